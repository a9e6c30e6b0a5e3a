"""What task a data set looks like, from names of files and columns and a few cells. Reads no data set."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart.data.columns import LABEL_NAMES, named_like
from headstart.data.delimited import delimiter_of
from headstart.data.forms.labelled_files import NAMES as FILE_NAMES
from headstart.data.layout import is_hidden
from headstart.data.read import tables_of
from headstart.modalities.text.encoding import encoding_of

IMAGES, TEXTS = "image-classification", "text-classification"
_TEXT_SUFFIXES = frozenset({".txt"})
_BYTES, _ROWS, _FILES = 65_536, 50, 200  # looked at, at most


def recognise(path: Path, image_suffixes: frozenset[str]) -> str:
    """The name of the task; where nothing tells, that of images, whose errors say what is missing.

    Args:
        path: as `read` takes it.
        image_suffixes: in lower case.
    """
    try:
        table = next(iter(tables_of(path).values()), None)
        if table is not None:
            return _of_table(table, image_suffixes)
        return _of_folder(path, image_suffixes) if path.is_dir() else IMAGES
    except (OSError, ValueError, RecursionError):
        return IMAGES


def _of_folder(folder: Path, image_suffixes: frozenset[str]) -> str:
    counts: Counter[str] = Counter()
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        counts.update(Path(name).suffix.casefold() for name in files if not is_hidden(name))
        if counts.total() > _FILES:
            break
    texts = sum(counts[suffix] for suffix in _TEXT_SUFFIXES)
    images = sum(counts[suffix] for suffix in image_suffixes)
    return TEXTS if texts > images else IMAGES


def _of_table(table: Path, image_suffixes: frozenset[str]) -> str:
    rows = _few_rows(table)
    columns = [name for name in rows[0] if isinstance(name, str)] if rows else []
    cells = [cell for row in rows for cell in row.values() if isinstance(cell, str)]
    if any(Path(cell.strip()).suffix.casefold() in image_suffixes for cell in cells if len(cell) < 1000):
        return IMAGES
    if named_like(columns, FILE_NAMES[:-1]) and not _prose(columns, rows):
        return IMAGES
    return TEXTS if _prose(columns, rows) else IMAGES


def _prose(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Columns that hold texts: most of their cells have several words."""
    return [
        name
        for name in columns
        if name.casefold() not in LABEL_NAMES
        and sum(isinstance(row.get(name), str) and len(row[name].split()) > 1 for row in rows) * 2 > len(rows)
    ]


def _few_rows(table: Path) -> list[dict[str, Any]]:
    """The first rows; none where they cannot be read this way, which reading will tell properly."""
    if table.suffix.casefold() == ".parquet":
        return _few_of_parquet(table)
    with table.open("rb") as file:
        raw = file.read(_BYTES)
    text = raw.decode(encoding_of(raw), errors="replace")
    if table.suffix.casefold() in (".jsonl", ".ndjson"):
        lines = [line for line in text.split("\n")[: _ROWS + 1] if line.strip()]
        whole = lines if len(lines) == 1 or len(text) < _BYTES else lines[:-1]
        found = [json.loads(line) for line in whole[:_ROWS]]
        return [row for row in found if isinstance(row, dict)]
    lines = text.splitlines()[: _ROWS + 1]
    if not lines:
        return []
    return list(csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter_of(lines[0])))


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
