"""Files with labels: class folders, or tables with a column of paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.data.columns import named_like
from headstart.data.forms.form import Lack, Row
from headstart.data.forms.labelled import Labelled
from headstart.data.layout import shown
from headstart.data.paths import Outside, locate
from headstart.data.table import Table
from headstart.errors import DataError

NAMES = ("path", "file", "filename", "filepath", "image", "img", "photo", "picture", "id")
_LOOKED_AT = 200  # cells a column, spread over the table, when looking for files


@dataclass(frozen=True)
class LabelledFiles(Labelled):
    """One file an example, and one label or several."""

    noun: ClassVar[str] = "images"
    layout: ClassVar[str] = (
        "Put the images of each class in a folder named after it: DATA/cat/1.jpg, DATA/dog/2.jpg; "
        "optionally below train/, val/ and test/. Or give a table with paths and labels."
    )

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The column most of whose cells are files; where none is, the one named like paths."""

        def finds(cell: Any) -> bool:
            try:
                path = locate(cell, root, self.suffixes)
            except Outside:
                return False
            return path is not None and path.suffix.casefold() in self.suffixes

        if finds_any := [name for name in table.columns if finds(name)]:
            raise DataError(
                f"{table.name}: the first line names the file '{finds_any[0]}', so the header is missing.",
                "Begin the table with a line of names, such as 'path,label'.",
            )
        step = max(1, len(table.rows) // _LOOKED_AT)
        found = {name: sum(map(finds, table.column(name)[::step])) for name in names}
        best = max(found, key=lambda name: found[name], default=None)
        if best is not None and found[best]:
            return (best,)
        named = named_like(names, NAMES)
        if named is None:
            raise DataError(
                f"{table.name}: no column holds paths of files: none of {', '.join(table.columns)} names "
                "a file that is there.",
                "Write paths relative to the table's folder, and say which column with "
                "--set data.input=NAME.",
            )
        return (named,)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[Any]:
        """The file of each row; paths that lead out of the root are refused."""
        paths: list[Path | Lack] = []
        outside: list[str] = []
        for row in rows:
            (cell,) = row.inputs
            try:
                found = locate(cell, root, self.suffixes)
            except Outside as error:
                outside.append(f"{row.origin}: {error}")
                continue
            paths.append(Lack(f"there is no file '{shown(cell)}'.") if found is None else found)
        if outside:
            raise DataError.listed(
                str(root),
                outside,
                "Keep the files below the table's folder, and write paths relative to it.",
            )
        return paths

    def id(self, row: Row, value: Any, root: Path) -> str:
        """The path below the root."""
        name: str = value.relative_to(root).as_posix()
        return name
