"""Scores with 95 % intervals, by bootstrap over groups. Knows metrics as functions of weights only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from headstart.contracts import Scorer
from headstart.evaluation.scores import Interval, Scores

Floats = npt.NDArray[np.float64]

ENDS = (2.5, 97.5)
# The normal distribution's quantile that leaves 2.5 % above it.
Z = 1.959963984540054
# Weights held at once, 64 MB.
BLOCK = 2**23


def score(
    scorers: Mapping[str, Scorer],
    *,
    n: int,
    groups: Sequence[str] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Scores:
    """Every metric with its interval.

    Groups, not examples, are drawn with replacement, since members of one are no independent
    evidence; the ends are percentiles of the replicates (Efron and Tibshirani, 1993, chapter
    13). There is no interval

    - for fewer than two groups, or where the metric is not defined;
    - where it is not defined on most replicates;
    - where it is 0 or 1 on all of them: no draw from a flawless sample shows a flaw, yet the next
      example may. Of accuracy, a mean of zeros and ones, more can be said: its interval is then
      Wilson's (1927), with the groups as its number of trials.

    Args:
        scorers: by name, as `Task.scorers` gives them.
        n: examples.
        groups: of each example; None is each for itself.
        replicates: draws.
        seed: of the draws.
    """
    members = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    count = len(np.unique(members))
    values = {name: float(scorer(np.ones((1, n)))[0]) for name, scorer in scorers.items()}
    draws: dict[str, list[Floats]] = {name: [] for name in scorers}
    if count >= 2:
        for weights in drawn_weights(members, count, replicates=replicates, seed=seed):
            for name, scorer in scorers.items():
                draws[name].append(scorer(weights))
    return Scores(n, {name: _interval(name, values[name], draws[name], count) for name in scorers})


def difference(
    one: Scorer, other: Scorer, *, groups: Sequence[str], replicates: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """How much one model scores above another on the same examples, and its standard error.

    The error is that of the paired bootstrap over groups: both are scored on the same draws.

    Args:
        one, other: the same metric of two models.
        groups: of each example.
        replicates: draws.
        seed: of the draws.

    Returns:
        (difference, standard error); the error is NaN for fewer than two groups.
    """
    found, draws = _paired_draws(one, other, groups=groups, replicates=replicates, seed=seed)
    return found, float(np.nanstd(draws)) if len(draws) else float("nan")


def paired(
    one: Scorer, other: Scorer, *, groups: Sequence[str], replicates: int = 2000, seed: int = 0
) -> Interval:
    """How much one model scores above another on the same examples, with its 95 % interval.

    The ends are percentiles of the paired bootstrap over groups. There is no interval for fewer than two
    groups, where a metric is not defined on most draws, or where the difference is 0 on every draw.

    Args:
        one, other: the same metric of two models.
        groups: of each example.
        replicates: draws.
        seed: of the draws.
    """
    found, draws = _paired_draws(one, other, groups=groups, replicates=replicates, seed=seed)
    defined = draws[~np.isnan(draws)]
    if np.isnan(found) or len(defined) < max(1, len(draws) / 2) or not defined.any():
        return Interval(found, None, None)
    low, high = np.percentile(defined, ENDS)
    return Interval(found, float(low), float(high))


def _paired_draws(
    one: Scorer, other: Scorer, *, groups: Sequence[str], replicates: int, seed: int
) -> tuple[float, Floats]:
    """The difference, and that of every draw; no draws for fewer than two groups."""
    once = np.ones((1, len(groups)))
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = len(np.unique(members))
    found = float((one(once) - other(once))[0])
    if count < 2:
        return found, np.empty(0)
    blocks = drawn_weights(members, count, replicates=replicates, seed=seed)
    return found, np.concatenate([one(weights) - other(weights) for weights in blocks])


def drawn_weights(
    members: npt.NDArray[np.intp], count: int, *, replicates: int, seed: int
) -> Iterator[Floats]:
    """Blocks of (R, N): how often each example's group was drawn.

    Args:
        members: (N,) the place of each example's group.
        count: of groups, as many of which are drawn.
        replicates: draws in all blocks together.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    rows = max(1, BLOCK // len(members))
    for start in range(0, replicates, rows):
        block = min(rows, replicates - start)
        drawn = random.integers(count, size=(block, count)) + np.arange(block)[:, None] * count
        counts = np.bincount(drawn.ravel(), minlength=block * count).reshape(block, count)
        yield counts[:, members].astype(np.float64)


def _interval(name: str, value: float, draws: Sequence[Floats], groups: int) -> Interval:
    if np.isnan(value) or not draws:
        return Interval(value, None, None)
    replicates = np.concatenate(draws)
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < len(replicates) / 2:
        return Interval(value, None, None)
    if value in (0, 1) and (defined == value).all():
        return Interval(value, *(_wilson(value, groups) if name == "accuracy" else (None, None)))
    low, high = np.percentile(defined, ENDS)
    return Interval(value, float(low), float(high))


def _wilson(share: float, trials: int) -> tuple[float, float]:
    """The interval of a share of 0 or 1: its other end is this far away."""
    distance = Z**2 / (trials + Z**2)
    return (0.0, distance) if share == 0 else (1 - distance, 1.0)
