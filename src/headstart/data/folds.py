"""Folds: rows dealt into parts of about one size, each like the whole. Knows strata and groups alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deal(strata: NDArray[np.int64], keys: NDArray[np.str_], count: int, *, seed: int) -> NDArray[np.int64]:
    """(N,) the fold of each row, from 0. Groups are dealt out in turn: stratum by stratum, the largest first.

    Args:
        strata: (N,) by what folds are to be alike.
        keys: (N,) members of one group are in one fold.
        count: of folds; fewer where there are fewer groups.
        seed: of the drawing.
    """
    _, firsts, group, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    chance = np.random.default_rng(seed).permutation(len(firsts))
    order = np.lexsort((chance, -sizes, strata[firsts]))
    dealt = np.empty(len(firsts), dtype=np.int64)
    dealt[order] = np.arange(len(firsts)) % min(count, len(firsts))
    return dealt[group]
