"""Which rows there are, and where. Two arrays, so that millions of rows are a few megabytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.store.segments import KEY, Segment


class Index:
    """The keys of some segments; of equal keys the first counts.

    Args:
        segments: in the order they were written.
    """

    def __init__(self, segments: Sequence[Segment] = ()) -> None:
        self.segments = tuple(segments)
        keys = [np.empty(0, KEY), *(segment.keys for segment in segments)]
        self._keys, self._rows = np.unique(np.concatenate(keys), return_index=True)
        self._begins = np.cumsum([0, *(segment.rows for segment in segments)])

    def __contains__(self, key: object) -> bool:
        """Whether there is a row of a key, as `digest` makes it."""
        return bool(self.find(np.array([key], KEY))[0][0] >= 0)

    def find(self, keys: NDArray[np.bytes_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the rows of some keys are.

        Args:
            keys: as `digests` makes them.

        Returns:
            For each key the number of its segment, -1 where there is none, and its place in there.
        """
        if not len(self._keys):
            return np.full(len(keys), -1), np.zeros(len(keys), np.int64)
        nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        rows = self._rows[nearest]
        numbers = np.searchsorted(self._begins, rows, side="right") - 1
        return np.where(self._keys[nearest] == keys, numbers, -1), rows - self._begins[numbers]
