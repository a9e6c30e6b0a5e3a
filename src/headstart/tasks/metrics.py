"""The metrics of classification as functions of example weights. Knows no labels' names and no torch.

Each function here takes what is known of N examples and returns a `Scorer`, (R, N) weights to (R,)
values. A row of counts gives the value on the sample in which each example is repeated so often.
A value that is not defined under its weights (a class that is not there) is NaN, or left out of the
mean over classes; the mean of none is NaN.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

from headstart.contracts import Scorer

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]

BINS = 15
# Elements of the largest array that `auroc` makes at once: 16 MB, about what a cache holds.
BLOCK = 2**21


def mean(values: npt.NDArray[np.floating | np.bool_]) -> Scorer:
    """The weighted mean of a value per example, (N,): accuracy of what is right, loss of losses."""

    def score(weights: Floats) -> Floats:
        return ratio(weights @ values, weights.sum(axis=1))

    return score


def balanced_accuracy(truth: Bools, chosen: Bools) -> Scorer:
    """Mean recall over the classes that are there; both (N, C)."""
    right, there = _sums(truth & chosen), _sums(truth)

    def score(weights: Floats) -> Floats:
        return _mean_of_defined(ratio(right(weights), there(weights)))

    return score


def macro_f1(truth: Bools, chosen: Bools) -> Scorer:
    """Mean F1 over the classes that are there or were chosen; both (N, C)."""
    right, there, taken = _sums(truth & chosen), _sums(truth), _sums(chosen)

    def score(weights: Floats) -> Floats:
        return _mean_of_defined(ratio(2 * right(weights), there(weights) + taken(weights)))

    return score


def micro_f1(truth: Bools, chosen: Bools) -> Scorer:
    """F1 of all (example, label) pairs together; both (N, C)."""
    right = (truth & chosen).sum(axis=1)
    there_and_taken = truth.sum(axis=1) + chosen.sum(axis=1)

    def score(weights: Floats) -> Floats:
        return ratio(2 * (weights @ right), weights @ there_and_taken)

    return score


def auroc(scores: Floats, truth: Bools) -> Scorer:
    """Area under the ROC curve of each class against the rest, then the mean; both (N, C).

    It is the share of (positive, negative) pairs in which the positive has the higher score; a
    tie counts half.
    """

    @cache
    def ranks(column: int) -> tuple[npt.NDArray[np.intp], ...]:
        """Positives; negatives by rising score; how many of these are below, and not above, each positive."""
        positive, negative = np.flatnonzero(truth[:, column]), np.flatnonzero(~truth[:, column])
        negative = negative[np.argsort(scores[negative, column])]
        rising, asked = scores[negative, column], scores[positive, column]
        return (
            positive,
            negative,
            np.searchsorted(rising, asked),
            np.searchsorted(rising, asked, side="right"),
        )

    def area(weights: Floats, column: int) -> Floats:
        """Of one class; weights are (N, R), so that a gather copies whole rows."""
        positive, negative, below, not_above = ranks(column)
        mass = np.zeros((len(negative) + 1, weights.shape[1]))
        np.cumsum(weights[negative], axis=0, out=mass[1:])
        ups = weights[positive]
        won = np.einsum("pr,pr->r", ups, mass[below] + mass[not_above]) / 2
        return ratio(won, ups.sum(axis=0) * mass[-1])

    def score(weights: Floats) -> Floats:
        rows = max(1, BLOCK // max(1, len(truth)))
        values = np.empty((len(weights), truth.shape[1]))
        for start in range(0, len(weights), rows):
            block = np.ascontiguousarray(weights[start : start + rows].T, dtype=np.float64)
            for column in range(truth.shape[1]):
                values[start : start + rows, column] = area(block, column)
        return _mean_of_defined(values)

    return score


def expected_calibration_error(confidence: Floats, correct: Bools) -> Scorer:
    """Distance of confidence from accuracy, in bins of equal width (Guo et al., 2017); both (N,)."""
    gaps = np.zeros((len(confidence), BINS))
    gaps[np.arange(len(confidence)), bin_of(confidence, BINS)] = correct - confidence

    def score(weights: Floats) -> Floats:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return score


def bin_of(probabilities: Floats, bins: int) -> npt.NDArray[np.intp]:
    """Which of so many bins of equal width each probability falls in; upper edges belong to their bin."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], probabilities)


def _sums(members: Bools) -> Scorer:
    """(R, N) weights to (R, C): the weight of each class's members."""
    # Sparse: of one label of many, N of N * C entries are set.
    by_class = sparse.csr_array(members.T, dtype=np.float64)

    def score(weights: Floats) -> Floats:
        sums: Floats = (by_class @ weights.T).T
        return sums

    return score


def ratio(above: Floats, below: Floats) -> Floats:
    """Elementwise; NaN where both are 0."""
    with np.errstate(invalid="ignore"):
        return np.divide(above, below)


def _mean_of_defined(values: Floats) -> Floats:
    """(R, C) to (R,), NaN left out."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))
