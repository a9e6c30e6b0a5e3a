"""What a plan will take: seconds and memory, before anything is trained. Pure: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.contracts import Phase
from headstart.planning.facts import PhaseFacts
from headstart.planning.plan import Plan

# An epoch without its backward pass takes so much of one with it.
FORWARD = 1 / 3
# A phase that may end early makes no fewer: one that is the best, and one that is not.
FEWEST = 2
# Of the weights that are trained: two moments and the best ones, beside gradients, which a step has.
TRAINED = 3
# Of all weights: as they were before training; and of folds a network, their mean, and both ends of a line.
WHOLE, OF_FOLDS = 1, 4
# Of what a step takes: short batches and validations leave gaps between its blocks that whole batches do not
# fit into; 19 to 24 % on a CPU, as measured.
GAPS = 0.25


@dataclass(frozen=True)
class Forecast:
    """What a run will take, from its beginning to its report.

    Attributes:
        seconds: about; `shortest` where every phase ends as early as it may, `longest` where none does.
        memory: largest resident size of the process, bytes.
        least: seconds of a run that trains nothing, which no time limit makes shorter.
        limit: seconds that were asked for; None is no limit.
    """

    seconds: float
    shortest: float
    longest: float
    memory: int
    least: float
    limit: float | None

    @property
    def too_long(self) -> bool:
        """Whether the limit cannot be kept, whatever is left out."""
        return self.limit is not None and self.least > self.limit


def forecast(
    plan: Plan,
    phases: Sequence[PhaseFacts],
    *,
    train: int,
    val: int,
    spent: float,
    closing: float,
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
        closing: seconds for what follows, trained or not.
        ending: seconds for what follows training beside that.
        memory: bytes, at the most.
        limit: seconds in all; None is no limit.
    """
    least = spent + closing

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
        whole = least + plan.folds * passes + kept + ending
        return whole if limit is None else max(least, min(whole, limit))

    return Forecast(
        seconds=total([_likely(phase) for phase in plan.phases]),
        shortest=total([0 if phase.climbs else _fewest(phase) for phase in plan.phases]),
        longest=total([phase.epochs for phase in plan.phases]),
        memory=memory,
        least=least,
        limit=limit,
    )


def resident(*, before: int, peak: int, trained: int, whole: int, folds: bool) -> int:
    """Largest resident size of the process in the end, bytes.

    Args:
        before: what it was before a step was measured, and `peak`: after that.
        trained: bytes of the weights that are trained, and `whole`: of all.
        folds: whether several networks are trained.
    """
    kept = TRAINED * trained + (WHOLE + folds * OF_FOLDS) * whole
    return round(peak + GAPS * (peak - before) + kept)


def _fewest(phase: Phase) -> int:
    """Epochs of a phase that ends as soon as it may."""
    return min(phase.epochs, FEWEST) if _may_end(phase) else phase.epochs


def _likely(phase: Phase) -> int:
    """Epochs of a phase that finds its best weights at once, and has patience with the worse ones after."""
    return min(phase.epochs, phase.patience + 1) if _may_end(phase) else phase.epochs


def _may_end(phase: Phase) -> bool:
    # By pairs, the last weights count, so that no validation is a bad one.
    return phase.patience > 0 and not phase.contrast
