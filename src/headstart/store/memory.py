"""A shelf in memory, for where nothing may be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from headstart.contracts import Rows
from headstart.store.shelf import Row, Shelf


class MemoryShelf:
    """Rows by key, gone with the process."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def missing(self, keys: Sequence[str]) -> list[int]:
        """Places in `keys` of rows that are not there; of a key given twice, the first."""
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        return sorted(place for key, place in first.items() if key not in self._rows)

    @contextmanager
    def writing(self) -> Iterator[MemoryShelf]:
        """Takes rows; they are there at once."""
        yield self

    def add(self, key: str, row: Row) -> None:
        """Keep a row under its key."""
        self._rows.setdefault(key, row)

    def row(self, key: str) -> Row:
        """The row of a key.

        Raises:
            KeyError: it is missing.
        """
        return self._rows[key]

    def rows(self, field: str, keys: Sequence[str]) -> Rows:
        """One field of the rows of some keys; all of one type and shape."""
        return np.stack([self._rows[key][field] for key in keys])


AnyShelf = Shelf | MemoryShelf
