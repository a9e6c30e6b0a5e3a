"""Whether one model is no worse than another by more than a margin, as far as examples show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, binomtest

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# The chance at which what is not so is called so, and the normal distribution's quantile above which it is.
LEVEL, QUANTILE = 0.05, 1.6448536269514722
# How sure an answer is.
SURE = 1 - LEVEL
# Of each of lost, won and twice the same, so much of a group is imagined.
IMAGINED = 0.5


def least_gain(changes: Floats, weights: Floats, groups: Sequence[str]) -> tuple[float, float]:
    """The mean change of one example or more, and what it is no less than, with 95 % certainty.

    Members of a group are no independent evidence: groups are. Two are imagined beside those that are there,
    of which half of one is lost and half of one is won, so that a few without a loss are no proof that there
    is none (Agresti and Min, 2005, *Simple improved confidence intervals for comparing matched proportions*).

    Args:
        changes: (N,) of -1, a right answer that became wrong, to +1.
        weights: (N,) by which examples count.
        groups: of each example.
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    size = weights.sum() / (members.max() + 1)
    total = weights.sum() + 4 * IMAGINED * size
    mean = float(weights @ changes / total)
    apart = np.bincount(members, weights * (changes - mean))
    imagined = IMAGINED * size**2 * ((1 - mean) ** 2 + (1 + mean) ** 2 + 2 * mean**2)
    error = float(np.sqrt(apart @ apart + imagined)) / total
    return float(weights @ changes / weights.sum()), mean - QUANTILE * error


def most_lost(before: Bools, after: Bools, groups: Sequence[str]) -> float:
    """The share of right answers that become wrong at the most, with 95 % certainty; 1 where none was right.

    It is the upper end of the exact interval (Clopper and Pearson, 1934), of examples or of groups, whichever
    is larger. Where none of N is lost, that is about 3/N (Hanley and Lippman-Hand, 1983, *If Nothing Goes
    Wrong, Is Everything All Right?*).

    Args:
        before, after: (N,) whether the answer is right.
        groups: of each example.
    """
    names, gone = np.asarray(groups), before & ~after
    counts = [(int(gone.sum()), int(before.sum())), (len(set(names[gone])), len(set(names[before])))]
    return max(
        1.0 if lost == trials else float(beta.ppf(SURE, lost + 1, trials - lost)) for lost, trials in counts
    )


def chance_of_loss(before: Bools, after: Bools, groups: Sequence[str]) -> float:
    """How often so many right answers are lost, and no more won, where both models are equally good.

    It is McNemar's exact test (1947), one-sided, of groups: each counts as what most of it has become.
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    net = np.bincount(members, after.astype(float) - before)
    lost, changed = int((net < 0).sum()), int((net != 0).sum())
    return float(binomtest(lost, changed, alternative="greater").pvalue) if changed else 1.0


def as_usual(before: Bools, chosen: Bools) -> Floats:
    """(N,) weights with which the first model errs no more often than on what nobody chose.

    Who corrects sends errors more often than right answers. A model that is merely another one is right on
    some of these, and that would pass for a gain.

    Args:
        before: (N,) whether its answer is right.
        chosen: (N,) whether the example may have been sent because it is not.
    """
    share = float(before.mean())
    usual = (float(before[~chosen].sum()) + 1) / (int((~chosen).sum()) + 2)
    if share >= usual:
        return np.ones(len(before))
    right = usual / share if share else 0.0
    return np.where(before, right, (1 - usual) / (1 - share))
