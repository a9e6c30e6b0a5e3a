"""Rows of one field that stay on disk until they are asked for. Knows nothing of their keys."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Rows
from headstart.errors import RowsLost
from headstart.store.segments import Form, Segment


@dataclass(frozen=True)
class StoredRows:
    """Rows of one shape, as `contracts.Rows`.

    Attributes:
        folder: of the shelf.
        segments: the files.
        numbers: (n,) which of them has each row.
        starts: (n,) the byte at which it begins there.
        form: type and shape of a row.
    """

    folder: Path
    segments: Sequence[Segment]
    numbers: NDArray[np.int64]
    starts: NDArray[np.int64]
    form: Form

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, places: slice | Sequence[int] | NDArray[np.integer]) -> np.ndarray:
        """The rows at some places (n, ...); what lies side by side on disk is read at once.

        Raises:
            CacheError: they can no longer be read.
        """
        chosen = places if isinstance(places, (slice, np.ndarray)) else list(places)
        numbers, starts = self.numbers[chosen], self.starts[chosen]
        dtype, shape = self.form
        size = math.prod(shape) * dtype.itemsize
        rows = np.empty((len(numbers), *shape), dtype)
        content = rows.reshape(-1).view(np.uint8)
        apart = (np.diff(numbers) != 0) | (np.diff(starts) != size)
        edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(numbers)]
        with said_when_lost(self.folder):
            for first, last in pairwise(edges):
                if first < last:
                    into = content[first * size : last * size]
                    self.segments[numbers[first]].read(int(starts[first]), into)
        return rows


@dataclass(frozen=True)
class SomeRows:
    """Some of the rows of others, as `contracts.Rows`.

    Attributes:
        rows: all of them.
        places: (n,) those that are chosen, in their order.
    """

    rows: Rows
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, places: slice | Sequence[int] | NDArray[np.integer]) -> np.ndarray:
        """The rows at some places of the chosen ones (n, ...)."""
        return self.rows[self.places[places]]


@contextmanager
def said_when_lost(folder: Path) -> Iterator[None]:
    """Turn what the system says of a file that was there into a `CacheError`."""
    try:
        yield
    except OSError as error:
        raise RowsLost(folder, error.strerror) from error
