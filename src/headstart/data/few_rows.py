"""The first rows of a table, without reading all of it, for a look at what they hold."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from headstart.data.delimited import delimiter_of
from headstart.data.table import Table
from headstart.modalities.text.encoding import encoding_of

LINES = frozenset({".jsonl", ".ndjson"})
_BYTES, _ROWS = 65_536, 50  # at most


def beginning(path: Path) -> str:
    """The first characters of a text file; what is no text in it is replaced."""
    with path.open("rb") as file:
        raw = file.read(_BYTES)
    return raw.decode(encoding_of(raw), errors="replace")


def few_rows(table: Path) -> list[dict[str, Any]]:
    """The first rows; none where they cannot be read this way, which reading will tell properly."""
    if table.suffix.casefold() == ".parquet":
        return _few_of_parquet(table)
    text = beginning(table)
    if table.suffix.casefold() in LINES:
        lines = [line for line in text.split("\n")[: _ROWS + 1] if line.strip()]
        whole = lines if len(lines) == 1 or len(text) < _BYTES else lines[:-1]
        found = [json.loads(line) for line in whole[:_ROWS]]
        return [row for row in found if isinstance(row, dict)]
    lines = text.splitlines()[: _ROWS + 1]
    if not lines:
        return []
    return list(csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter_of(lines[0])))


def few_as_table(name: str, rows: list[dict[str, Any]]) -> Table:
    """Rows as a table, of the columns that have names."""
    columns = tuple(dict.fromkeys(key for row in rows for key in row if isinstance(key, str)))
    cells = tuple(tuple(row.get(column) for column in columns) for row in rows)
    return Table(name, columns, cells, tuple(range(1, len(rows) + 1)))


def _few_of_parquet(table: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        return []
    try:
        batch = next(parquet.ParquetFile(table).iter_batches(batch_size=_ROWS), None)
    except ArrowException:
        return []
    return [] if batch is None else batch.to_pylist()
