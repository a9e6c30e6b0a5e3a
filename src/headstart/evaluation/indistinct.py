"""Labels that nothing in the inputs tells from the others. Pure: labels and probabilities in, names out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headstart.tasks.metrics import Floats, auroc

# Examples of a label, at least.
SUPPORT = 8
# Area under its ROC curve, its standard error included, up to which a label is not told apart; and from
# which on the others are, half of them at least.
BLIND, TOLD = 0.65, 0.75


@dataclass(frozen=True)
class Indistinct:
    """A label that is told from the others hardly better than by a coin.

    Attributes:
        auroc: area under its ROC curve.
        count: of its examples.
    """

    label: int
    auroc: float
    count: int


def indistinct_labels(labels: npt.NDArray[np.intp], probabilities: Floats) -> tuple[Indistinct, ...]:
    """Labels whose examples get no higher a probability of it than those of other labels.

    None where there are fewer than three labels, or where most are so: then it is the model that is blind.

    Args:
        labels: (N,) in 0 to C - 1.
        probabilities: (N, C), each example's from a model that had not seen it.
    """
    classes = probabilities.shape[1]
    if classes < 3:
        return ()
    once = np.ones((1, len(labels)))
    areas = np.full(classes, np.nan)
    for label in range(classes):
        has = (labels == label)[:, None]
        if has.any() and not has.all():
            areas[label] = auroc(probabilities[:, [label]], has)(once)[0]
    if not np.nanmedian(areas) >= TOLD:
        return ()
    counts = np.bincount(labels, minlength=classes)
    return tuple(
        Indistinct(label, float(areas[label]), int(counts[label]))
        for label in np.argsort(areas)
        if counts[label] >= SUPPORT and areas[label] + _error(areas[label], counts[label]) <= BLIND
    )


def _error(area: float, count: int) -> float:
    """Standard error of an area, of few examples beside very many others (Hanley and McNeil, 1982)."""
    return math.sqrt((2 * area**2 / (1 + area) - area**2) / count)
