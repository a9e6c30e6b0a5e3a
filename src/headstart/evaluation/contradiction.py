"""Whether labels that came contradict a model as only swapped or shuffled ones do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from headstart.errors import counted
from headstart.evaluation.noninferiority import LEVEL

Ints = npt.NDArray[np.intp]

# Fewer groups of examples say nothing.
LEAST = 20
# How often the labels are dealt out anew.
DEALS = 1999


@dataclass(frozen=True)
class Contradiction:
    """Labels that agree with a model no better than by chance.

    Attributes:
        count: of examples.
        contradicted: of these, the model's answer is another than the label.
        by_chance: of these, it would be where the same labels were dealt out at random.
    """

    count: int
    contradicted: int
    by_chance: int

    def told(self, source: str) -> str:
        """A sentence on labels from a source."""
        return (
            f"Of {counted(self.count, 'new example')}, {source} contradicts the champion on "
            f"{self.contradicted}, and would by chance on {self.by_chance}: "
            "are its labels swapped or shuffled?"
        )


def contradiction(
    answers: Sequence[frozenset[str]],
    labels: Sequence[frozenset[str]],
    *,
    sure: Sequence[float],
    groups: Sequence[str],
) -> Contradiction | None:
    """How far labels contradict a model, where they look swapped or shuffled; else None.

    Fewer answers agree than the model is sure of. And they agree no better than with the same labels dealt
    out at random (a permutation test), although these proportions of labels would show it, or even worse. Of
    each group the first example counts: the others are no independent evidence.

    Args:
        answers: (N,) what the model says.
        labels: (N,) what was said to be right.
        sure: (N,) the probability that the model gives to its answer.
        groups: (N,) of each example.
    """
    first = np.unique(np.asarray(groups), return_index=True)[1]
    if len(first) < LEAST:
        return None
    names = {one: place for place, one in enumerate({*answers, *labels})}
    said, given = (np.array([names[one] for one in each], dtype=np.intp) for each in (answers, labels))
    agreeing = int((said[first] == given[first]).sum())
    expected = min(float(np.mean(np.asarray(sure)[first])), 1.0)
    as_sure = binomtest(agreeing, len(first), expected, alternative="less").pvalue > LEVEL
    if as_sure or not _by_chance(said[first], given[first]):
        return None
    counts = np.bincount(said, minlength=len(names)), np.bincount(given, minlength=len(names))
    alike = float(counts[0] @ counts[1]) / len(said)
    return Contradiction(len(said), int((said != given).sum()), round(len(said) - alike))


def _by_chance(said: Ints, given: Ints) -> bool:
    """Whether labels agree with answers as if dealt out at random, or worse.

    Args:
        said, given: (N,) numbers of labels.
    """
    random = np.random.default_rng(0)
    dealt = np.array([(random.permutation(given) == said).sum() for _ in range(DEALS)])
    agreeing = (said == given).sum()
    most = np.minimum(
        *(np.bincount(each, minlength=1 + max(said.max(), given.max())) for each in (said, given))
    )
    # Each with the deal that is there (Phipson and Smyth, 2010).
    better, best, worse = (
        (1 + int(hits.sum())) / (1 + DEALS)
        for hits in (dealt >= agreeing, dealt >= most.sum(), dealt <= agreeing)
    )
    return worse <= LEVEL or (better > LEVEL >= best)
