"""A table as read, whatever its format. Knows not what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Cells by row, and where each row stands in its file.

    Attributes:
        name: of the file, for messages and ids.
        columns: the header, without repetition.
        rows: one tuple of cells a row, as many as columns; strings, numbers, lists or None.
        numbers: of each row, as the user finds it: a line of the file, or a row of Parquet.
        unit: what the numbers count: "line" or "row".
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    numbers: tuple[int, ...]
    unit: str = "line"

    def column(self, name: str) -> list[Any]:
        """The cells of one column."""
        position = self.columns.index(name)
        return [row[position] for row in self.rows]

    def where(self, row: int) -> str:
        """``"labels.csv, line 12"``, for the row at an index."""
        return f"{self.name}, {self.unit} {self.numbers[row]}"
