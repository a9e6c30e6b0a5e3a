"""What a plan will take: seconds and memory, before anything is trained. Pure: numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headstart.contracts import Phase
from headstart.planning.facts import PhaseFacts
from headstart.planning.plan import Plan

# An epoch without its backward pass takes so much of one with it.
FORWARD = 1 / 3
# A phase that may end early makes no fewer: one that is the best, and one that is not.
FEWEST = 2


@dataclass(frozen=True)
class Forecast:
    """What a run will take, from its beginning to its report.

    Attributes:
        seconds: about; `shortest` where every phase ends as early as it may, `longest` where none does.
        memory: largest resident size of the process, bytes.
    """

    seconds: float
    shortest: float
    longest: float
    memory: int


def forecast(
    plan: Plan,
    phases: Sequence[PhaseFacts],
    *,
    train: int,
    val: int,
    spent: float,
    ending: float,
    memory: int,
    limit: float | None,
) -> Forecast:
    """What is to be expected of a plan.

    Args:
        plan: its phases and folds.
        phases: of each, what its steps take.
        train, val: examples.
        spent: seconds until now.
        ending: seconds for what follows training.
        memory: bytes, at the most.
        limit: seconds in all; None is no limit.
    """

    def total(epochs: Sequence[int]) -> float:
        passes = sum(
            count * (train + FORWARD * val) * each.step for count, each in zip(epochs, phases, strict=True)
        )
        # What is kept serves every fold.
        kept = sum(
            (min(count, plan.views) * train + val) * each.kept
            for count, each in zip(epochs, phases, strict=True)
            if count
        )
        return min(spent + plan.folds * passes + kept + ending, math.inf if limit is None else limit)

    return Forecast(
        seconds=total([_likely(phase) for phase in plan.phases]),
        shortest=total([0 if phase.climbs else _fewest(phase) for phase in plan.phases]),
        longest=total([phase.epochs for phase in plan.phases]),
        memory=memory,
    )


def _fewest(phase: Phase) -> int:
    """Epochs of a phase that ends as soon as it may."""
    return min(phase.epochs, FEWEST) if _may_end(phase) else phase.epochs


def _likely(phase: Phase) -> int:
    """Epochs of a phase that finds its best weights at once, and has patience with the worse ones after."""
    return min(phase.epochs, phase.patience + 1) if _may_end(phase) else phase.epochs


def _may_end(phase: Phase) -> bool:
    # By pairs, the last weights count, so that no validation is a bad one.
    return phase.patience > 0 and not phase.contrast
