"""Accuracy in use, from the labels that have come back, beside that of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import fisher_exact

from headstart.evaluation.scores import Interval
from headstart.monitoring.arrays import Bools
from headstart.monitoring.shares import change, share

# Where labels of so large a share have come, who labels what can no longer matter much.
NEARLY_ALL = 0.9
BIASED = (
    "Labels that come back are no fair sample: people correct mistakes more often than they confirm what "
    "is right, so this accuracy may be far from that of all answers. For a fair one, label a random draw."
)


@dataclass(frozen=True)
class LabelledAccuracy:
    """The share that is right of answers whose label has come.

    Attributes:
        n: of so many.
        of: so many answers.
        accuracy: with its interval.
        difference: by how much it is above the reference's, with its interval; None where that is unknown.
        p_value: how often chance alone gives an accuracy as far below the reference's, or farther.
        caution: why not to believe it; empty where nearly all answers have a label.
        by_lot: whether `of` are those that were drawn by lot, not all of the window.
    """

    n: int
    of: int
    accuracy: Interval
    difference: Interval | None
    p_value: float | None
    caution: str
    by_lot: bool = False

    @property
    def fair(self) -> bool:
        """Whether nearly all of these answers have a label, so that it can ring."""
        return self.n >= NEARLY_ALL * self.of

    def state(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "n": self.n,
            "of": self.of,
            "accuracy": self.accuracy.state(),
            "difference": None if self.difference is None else self.difference.state(),
            "p_value": self.p_value,
            "fair": self.fair,
            "caution": self.caution,
            "by_lot": self.by_lot,
        }


def labelled_accuracy(
    right: Sequence[bool], of: int, reference: Bools | None = None
) -> LabelledAccuracy | None:
    """The accuracy of labelled answers, and whether it is below that of the reference; None without labels.

    The interval is Wilson's (1927), that of the difference Newcombe's (1998); the test is Fisher's exact
    one (1935), one-sided. All take answers as independent, and the labelled ones as a fair sample.

    Args:
        right: whether each labelled answer is.
        of: answers, labelled or not.
        reference: (N,) whether each answer of the reference is right.
    """
    n = len(right)
    if not n:
        return None
    hits, difference, p_value = sum(right), None, None
    if reference is not None:
        before, trials = int(np.sum(reference)), len(reference)
        difference = change(before, trials, hits, n)
        table = [[hits, n - hits], [before, trials - before]]
        p_value = float(fisher_exact(table, alternative="less").pvalue)
    caution = "" if n >= NEARLY_ALL * of else BIASED
    return LabelledAccuracy(n, of, share(hits, n), difference, p_value, caution)


def fairest_accuracy(
    every: tuple[Sequence[bool], int], lot: tuple[Sequence[bool], int], reference: Bools | None = None
) -> LabelledAccuracy | None:
    """The accuracy of all labelled answers, or of those drawn by lot where only these have nearly all labels.

    Args:
        every: whether each labelled answer of a window is right, and how many answers there are.
        lot: alike, of those that were drawn.
        reference: as of `labelled_accuracy`.
    """
    of_every, of_lot = (labelled_accuracy(*labels, reference) for labels in (every, lot))
    if of_every is None or of_every.fair or of_lot is None or not of_lot.fair:
        return of_every
    return replace(of_lot, by_lot=True)
