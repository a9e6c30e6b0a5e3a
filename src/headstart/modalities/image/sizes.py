"""Sizes at which an image is probably not what was meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TINY = 8  # pixels of the shorter side, below which nothing can be seen
_ELONGATED = 8  # longer side over shorter, above which a square crop misses most
_FAR_SMALLER = 0.125  # of the median of the shorter sides


def odd_sizes(sizes: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Which images are tiny, elongated, or far smaller than the rest, by which of these they are.

    Args:
        sizes: (N, 2), width and height in pixels.
    """
    shorter, longer = sizes.min(axis=1), sizes.max(axis=1)
    median = float(np.median(shorter))
    return {
        f"less than {_TINY} pixels wide or high": shorter < _TINY,
        f"more than {_ELONGATED} times as long as wide": longer > _ELONGATED * shorter,
        f"far smaller than the others (median {median:g} pixels)": shorter < _FAR_SMALLER * median,
    }
