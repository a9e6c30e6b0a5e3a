"""What lies in a cache, as far as it can be told while others write and remove it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.store.lease import LABEL, in_use, last_used
from headstart.store.segments import rows_of


@dataclass(frozen=True)
class Entry:
    """A shelf as it lies there, or all measurements.

    Attributes:
        path: its folder.
        description: what it was made for; empty where that cannot be read.
        rows: how many; measurements have none.
        size: in bytes.
        used: when it was opened last, in seconds since 1970.
        in_use: whether a process has it open, and it cannot be removed.
    """

    path: Path
    description: Mapping[str, Any]
    rows: int
    size: int
    used: float
    in_use: bool


def shelf_entry(folder: Path) -> Entry:
    """A shelf. Two that look at once would each see the other use it; see `turn`.

    Raises:
        OSError: it is gone.
    """
    try:
        description = json.loads((folder / LABEL).read_text())
    except (OSError, ValueError):
        description = None
    files = list(_files(folder))
    return Entry(
        path=folder,
        description=description if isinstance(description, dict) else {},
        rows=sum(rows_of(name) for name, _ in files),
        size=sum(found.st_size for _, found in files),
        used=last_used(folder),
        in_use=in_use(folder),
    )


def measurements_entry(folder: Path) -> Entry:
    """All measurements, which take no lease.

    Raises:
        OSError: they are gone.
    """
    return Entry(
        path=folder,
        description={"kind": "measurements"},
        rows=0,
        size=size_of(folder),
        used=max([folder.stat().st_mtime, *(found.st_mtime for _, found in _files(folder))]),
        in_use=False,
    )


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(found.st_size for _, found in _files(folder))


def _files(folder: Path | str) -> Iterator[tuple[str, os.stat_result]]:
    """The names of all files below a folder; what goes meanwhile, or is another user's, is passed over."""
    with suppress(OSError), os.scandir(folder) as found:
        for file in found:
            if file.is_dir(follow_symlinks=False):
                yield from _files(file.path)
                continue
            with suppress(FileNotFoundError):
                yield file.name, file.stat(follow_symlinks=False)
