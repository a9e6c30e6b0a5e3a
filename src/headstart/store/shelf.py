"""Rows by key, in a folder of segments. Knows no limit, and no other shelf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Rows
from headstart.durable import is_leftover
from headstart.store.index import Index
from headstart.store.lease import Lease
from headstart.store.rows import StoredRows, said_when_lost
from headstart.store.segments import SUFFIX, Form, Room, Row, Segment, digests
from headstart.store.writer import Writer

__all__ = ["Row", "Shelf"]


class Shelf:
    """Rows of one kind. Several threads and processes may read and write it at once.

    A segment is checked in full when its rows are first asked for. One that is damaged is removed,
    and its rows are missing again.

    Args:
        lease: of its folder; kept as long as the shelf or any of its rows.
        room: asked for before anything is written.

    Attributes:
        damaged: files that were removed.
    """

    def __init__(self, lease: Lease, room: Room) -> None:
        self.folder = lease.folder
        self.damaged: tuple[str, ...] = ()
        self._lease = lease
        self._room = room
        self._index = Index()
        self._lock = RLock()

    def missing(self, keys: Sequence[str]) -> list[int]:
        """Places in `keys` of rows that are not there; of a key given twice, the first."""
        wanted = digests(keys)
        _, numbers, _ = self._find(wanted)
        absent = np.flatnonzero(numbers < 0)
        _, first = np.unique(wanted[absent], return_index=True)
        return sorted(absent[first].tolist())

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Takes rows; they are there when the context is left.

        After an exception the rows that were not yet written are missing.

        Raises:
            DiskFull: likewise.
            CacheError: there is no room, or the folder cannot be written.
        """
        with self._lock:
            self._look()
        writer = Writer(self.folder, lambda key: key in self._index, self._room)
        yield writer
        writer.flush()

    def row(self, key: str) -> dict[str, np.ndarray]:
        """The row of a key; its arrays are read-only.

        Raises:
            KeyError: it is missing.
            CacheError: it can no longer be read.
        """
        index, numbers, places = self._present([key])
        with said_when_lost(self.folder):
            return index.segments[int(numbers[0])].row(int(places[0]))

    def rows(self, field: str, keys: Sequence[str]) -> Rows:
        """One field of the rows of some keys; at least one, all of one type and shape.

        Raises:
            KeyError: a row is missing.
            ValueError: types or shapes differ.
        """
        index, numbers, places = self._present(keys)
        starts = np.empty(len(keys), np.int64)
        forms: set[Form] = set()
        for number in np.unique(numbers).tolist():
            there = np.flatnonzero(numbers == number)
            starts[there] = index.segments[number].starts(field, places[there])
            forms |= index.segments[number].forms(field, places[there])
        if len(forms) != 1:
            shown = ", ".join(sorted(f"{dtype} {shape}" for dtype, shape in forms)) or "none"
            raise ValueError(f"'{field}' must have one type and shape in all rows; there are: {shown}")
        return StoredRows(self.folder, index.segments, numbers, starts, forms.pop())

    def _present(self, keys: Sequence[str]) -> tuple[Index, NDArray[np.int64], NDArray[np.int64]]:
        index, numbers, places = self._find(digests(keys))
        absent = np.flatnonzero(numbers < 0)
        if len(absent):
            raise KeyError(f"{len(absent)} of {len(keys)} rows are missing, the first is '{keys[absent[0]]}'")
        return index, numbers, places

    def _find(self, keys: NDArray[np.bytes_]) -> tuple[Index, NDArray[np.int64], NDArray[np.int64]]:
        """Where rows are, in segments that are sound: as `Index.find` says it."""
        with self._lock:
            while True:
                index = self._index
                numbers, places = index.find(keys)
                # Before a row is called missing, see whether another process has written it.
                if (numbers < 0).any() and self._look():
                    continue
                used = [index.segments[number] for number in np.unique(numbers[numbers >= 0]).tolist()]
                damaged = [segment.name for segment in used if not segment.sound]
                if not damaged:
                    return index, numbers, places
                self._discard(damaged)

    def _look(self) -> bool:
        """Take in the segments that are new in the folder; whether there are any."""
        known = {segment.name: segment for segment in self._index.segments}
        new = {}
        for name in self._lease.names() - known.keys() - set(self.damaged):
            if not name.endswith(SUFFIX) or is_leftover(Path(name)):
                continue
            try:
                new[name] = Segment(self._lease, name)
            except ValueError:
                self._discard([name])
            except OSError:
                pass  # Gone, or not to be read: its rows are missing.
        if new:
            self._index = Index([segment for _, segment in sorted((known | new).items())])
        return bool(new)

    def _discard(self, names: Sequence[str]) -> None:
        """Remove damaged files, and look at them no more."""
        for name in names:
            with suppress(OSError):
                (self.folder / name).unlink()
        self.damaged += tuple(names)
        self._index = Index([segment for segment in self._index.segments if segment.name not in names])
