"""The tables as Parquet files, for other programs. Knows how to read them, and not how they came about."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.errors import MissingExtra
from headstart.records.cells import (
    storable,
    unpack_features,
    unpack_labels,
    unpack_path,
    unpack_scores,
)
from headstart.records.failures import of_system


@dataclass(frozen=True)
class _Kind:
    """Of the values of a column: their name in Arrow, whether each is a list of them, and how one is read."""

    arrow: str
    several: bool = False
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class _Table:
    """Where the rows come from, their columns, and how many are held in memory at once."""

    query: str
    columns: Mapping[str, _Kind]
    rows: int = 2048


TEXT, BYTES = _Kind("string"), _Kind("binary")
NUMBER, REAL, FLAG = _Kind("int64"), _Kind("float64"), _Kind("bool", read=bool)
PATH = _Kind("string", read=lambda cell: storable(unpack_path(cell)))
LABELS = _Kind("string", several=True, read=lambda cell: [storable(one) for one in unpack_labels(cell)])
SCORES = _Kind("float", several=True, read=unpack_scores)
FEATURES = _Kind("float", several=True, read=unpack_features)

TABLES: Mapping[str, _Table] = {
    "versions": _Table(
        "SELECT number, path, sha256, task, labels, added, note FROM versions ORDER BY number",
        {
            "number": NUMBER,
            "path": PATH,
            "sha256": TEXT,
            "task": TEXT,
            "labels": LABELS,
            "added": REAL,
            "note": TEXT,
        },
    ),
    "aliases": _Table(
        "SELECT alias, version, at, why FROM aliases ORDER BY number",
        {"alias": TEXT, "version": NUMBER, "at": REAL, "why": TEXT},
    ),
    "predictions": _Table(
        "SELECT number, id, version, at, input_hash, label, score, scores, features, milliseconds,"
        " media_type, input IS NOT NULL FROM predictions ORDER BY number",
        {
            "number": NUMBER,
            "id": TEXT,
            "version": NUMBER,
            "at": REAL,
            "input_hash": TEXT,
            "label": TEXT,
            "score": REAL,
            "scores": SCORES,
            "features": FEATURES,
            "milliseconds": REAL,
            "media_type": TEXT,
            "input_kept": FLAG,
        },
    ),
    "inputs": _Table(
        "SELECT hash, bytes FROM inputs JOIN contents ON input = number ORDER BY number",
        {"hash": TEXT, "bytes": BYTES},
        rows=16,
    ),
    "feedback": _Table(
        "SELECT p.id, f.labels, f.at FROM feedback AS f JOIN predictions AS p ON p.number = f.prediction"
        " ORDER BY p.number",
        {"prediction": TEXT, "labels": LABELS, "at": REAL},
    ),
    "windows": _Table(
        "SELECT version, at, first, last, first_number, last_number, n, alarm, settled, findings"
        " FROM windows ORDER BY number",
        {
            "version": NUMBER,
            "at": REAL,
            "first": REAL,
            "last": REAL,
            "first_number": NUMBER,
            "last_number": NUMBER,
            "n": NUMBER,
            "alarm": FLAG,
            "settled": FLAG,
            "findings": TEXT,
        },
    ),
    "decisions": _Table(
        "SELECT at, kind, version, outcome, why, evidence FROM decisions ORDER BY number",
        {"at": REAL, "kind": TEXT, "version": NUMBER, "outcome": TEXT, "why": TEXT, "evidence": TEXT},
    ),
}


def write(connection: sqlite3.Connection, folder: Path) -> tuple[Path, ...]:
    """Write a file a table; files of those names are replaced, each whole or not at all.

    Args:
        connection: in a transaction, so that the files tell of one moment.
        folder: made where it is missing.

    Raises:
        MissingExtra: pyarrow is not installed.
        DiskFull: there is no room.
        RequestError: the folder cannot be written, or the records are damaged.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Writing Parquet tables", "pip install 'headstart[data]'") from error
    paths = []
    for name, table in TABLES.items():
        path = folder / f"{name}.parquet"
        temporary = path.with_name(f".tmp-{path.name}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with parquet.ParquetWriter(temporary, _schema(pyarrow, table)) as file:
                _write_rows(pyarrow, connection, table, file)
            temporary.replace(path)
        except OSError as error:
            raise of_system(path, error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        paths.append(path)
    return tuple(paths)


def _schema(pyarrow: Any, table: _Table) -> Any:
    types = {}
    for name, kind in table.columns.items():
        one = pyarrow.type_for_alias(kind.arrow)
        types[name] = pyarrow.list_(one) if kind.several else one
    return pyarrow.schema(types)


def _write_rows(pyarrow: Any, connection: sqlite3.Connection, table: _Table, file: Any) -> None:
    cursor = connection.execute(table.query)
    while rows := cursor.fetchmany(table.rows):
        columns = zip(table.columns.values(), zip(*rows, strict=True), file.schema.types, strict=True)
        arrays = [pyarrow.array(_read(kind, cells), kept_as) for kind, cells, kept_as in columns]
        file.write_batch(pyarrow.record_batch(arrays, schema=file.schema))


def _read(kind: _Kind, cells: Sequence[Any]) -> Sequence[Any]:
    if kind.read is None:
        return cells
    return [None if cell is None else kind.read(cell) for cell in cells]
