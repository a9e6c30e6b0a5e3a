"""Files of tables, by suffix: CSV, TSV, JSON lines, Parquet. Knows not what columns mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headstart.data.delimited import read_delimited, read_lines
from headstart.data.table import Table
from headstart.errors import DataError, MissingExtra


def read_json_lines(path: Path) -> Table:
    """A file with one JSON object a line; a key that a line lacks is None.

    Raises:
        DataError: lines that are no JSON objects, all of them named.
    """
    objects: list[dict[str, Any]] = []
    numbers: list[int] = []
    problems: list[str] = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(f"line {number}: not JSON: {error.msg} at character {error.colno}.")
            continue
        except RecursionError:
            problems.append(f"line {number}: nested too deeply.")
            continue
        except ValueError:  # json reads no integer of more than 4300 digits
            problems.append(f"line {number}: a number that is too long.")
            continue
        if isinstance(value, dict):
            objects.append(value)
            numbers.append(number)
        else:
            problems.append(f"line {number}: expected an object, found {type(value).__name__}.")
    if problems:
        raise DataError.listed(
            str(path), problems, 'Write one object a line, such as {"path": "a.jpg", "label": "cat"}.'
        )
    if not objects:
        raise DataError(f"{path}: the file is empty.", "Write one JSON object a line.")
    columns = tuple(dict.fromkeys(key for value in objects for key in value))
    rows = tuple(tuple(value.get(column) for column in columns) for value in objects)
    return Table(path.name, columns, rows, tuple(numbers))


def read_parquet(path: Path) -> Table:
    """A Parquet file.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: the file cannot be read.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Reading Parquet tables", "pip install 'headstart[data]'") from error
    try:
        table = parquet.ParquetFile(path).read()
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}.", "Write the file again.") from error
    rows = tuple(zip(*(column.to_pylist() for column in table.columns), strict=True))
    if not rows:
        raise DataError(f"{path}: the table has no row.", "Add one row an example.")
    return Table(path.name, tuple(table.column_names), rows, tuple(range(1, len(rows) + 1)), unit="row")


READERS: Mapping[str, Callable[[Path], Table]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": read_parquet,
}


def is_table(path: Path, readers: Mapping[str, Callable[[Path], Table]] = READERS) -> bool:
    """Whether a file is a table, by its suffix."""
    return path.suffix.casefold() in readers


def read_table(path: Path, readers: Mapping[str, Callable[[Path], Table]] = READERS) -> Table:
    """The table in a file.

    Raises:
        DataError: its content is at fault.
        MissingExtra: the format needs a package that is not installed.
    """
    return readers[path.suffix.casefold()](path)
