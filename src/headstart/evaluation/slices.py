"""Where a model is right less often than elsewhere. Pure: what was right, and what it has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom

from headstart.tasks.metrics import Bools

# Examples in a slice and outside of it, at least; and by how much the slice must be worse.
SUPPORT, GAP = 10, 0.05
# Of finding one where all are alike.
CHANCE = 0.05


@dataclass(frozen=True)
class Slice:
    """Examples with something in common, on which fewer answers are right.

    Attributes:
        name: what they have in common: ``"site: north"``, ``"at most 8 words"``.
        count: of these examples.
        right: share of their answers that are right, and `elsewhere`: of all others.
        chance: that so few would be right by chance, were the slice like the rest; corrected for the
            number of slices that were looked at.
    """

    name: str
    count: int
    right: float
    elsewhere: float
    chance: float


def weakest_slices(right: Bools, members: Mapping[str, Bools]) -> tuple[Slice, ...]:
    """The slices that are worse than the rest, beyond chance; the surest first.

    By Fisher's exact test, one-sided, with Holm's (1979) correction: where no slice is worse, one is
    found in 5 % of cases.

    Args:
        right: (N,) whether an answer is right.
        members: (N,) each, which examples are in a slice, by its name.
    """
    total, found = len(right), []
    tests = {
        name: inside
        for name, inside in members.items()
        if SUPPORT <= np.count_nonzero(inside) <= total - SUPPORT
    }
    for name, inside in tests.items():
        count, well = np.count_nonzero(inside), np.count_nonzero(right & inside)
        chance = float(hypergeom.cdf(well, total, np.count_nonzero(right), count))
        elsewhere = float(right[~inside].mean())
        found.append(Slice(name, int(count), well / count, elsewhere, chance))
    found.sort(key=lambda one: one.chance)
    corrected = np.maximum.accumulate([one.chance * (len(found) - place) for place, one in enumerate(found)])
    return tuple(
        Slice(one.name, one.count, one.right, one.elsewhere, float(chance))
        for one, chance in zip(found, corrected, strict=True)
        if chance < CHANCE and one.elsewhere - one.right >= GAP
    )


def thirds(values: npt.NDArray[np.integer]) -> tuple[int, int] | None:
    """The values that end the lowest third and begin the highest; None where these are one."""
    low, high = np.quantile(values, (1 / 3, 2 / 3), method="nearest")
    return (int(low), int(high)) if low < high else None
