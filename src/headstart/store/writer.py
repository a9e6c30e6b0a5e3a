"""Rows on their way to disk. Knows nothing of how they are found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np

from headstart.errors import CacheError
from headstart.store.segments import DTYPES, Room, Row, digest, write_segment

# A flush holds a few copies of a segment in memory.
SEGMENT_BYTES = 16 << 20


class Writer:
    """Takes rows, from any thread, and writes a segment whenever there are enough.

    Args:
        folder: of the shelf.
        known: whether there is a row already, of a key as `digest` makes it.
        room: asked for before each segment.
    """

    def __init__(self, folder: Path, known: Callable[[bytes], bool], room: Room) -> None:
        self._folder = folder
        self._known = known
        self._room = room
        self._lock = Lock()
        self._waiting: dict[bytes, Row] = {}
        self._size = 0

    def add(self, key: str, row: Row) -> None:
        """Keep a row under its key; where there is one, that stays.

        Args:
            key: states everything that the row depends on.
            row: arrays of numbers, which are copied.

        Raises:
            DiskFull: what was written before is intact.
            CacheError: there is no room, or the folder cannot be written.
        """
        # Sliced from a batch, an array would keep the whole of it in memory.
        copied = {name: np.array(row[name], order="C") for name in sorted(row)}
        for name, array in copied.items():
            if array.dtype not in DTYPES:
                raise ValueError(f"{name}: arrays of {array.dtype} cannot be kept")
        with self._lock:
            if (kept := digest(key)) in self._waiting or self._known(kept):
                return
            self._waiting[kept] = copied
            self._size += sum(array.nbytes for array in copied.values())
            if self._size >= SEGMENT_BYTES:
                self._flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            DiskFull: what was written before is intact.
            CacheError: there is no room, or the folder cannot be written.
        """
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, {}, 0
        # A segment's rows are alike in names, types and numbers of axes.
        alike: dict[object, list[bytes]] = {}
        for key, row in waiting.items():
            kind = tuple((name, array.dtype, array.ndim) for name, array in row.items())
            alike.setdefault(kind, []).append(key)
        try:
            for keys in alike.values():
                write_segment(self._folder, keys, [waiting[key] for key in keys], self._room)
        except OSError as error:
            raise CacheError(self._folder, error.strerror) from error
