"""What every technique ends with: stages made into phases, with epochs. Counts optimiser steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headstart.contracts import Budget, Phase

STEPS = 1000
FEWEST_EPOCHS, MOST_EPOCHS = 3, 30


@dataclass(frozen=True)
class Stage:
    """A phase before its epochs are known.

    Attributes:
        name: of the phase.
        rates: peak learning rate by boundary, and by ``"head"``.
        share: of the epochs, relative to the other stages.
    """

    name: str
    rates: Mapping[str, float]
    share: int


def phases_of(stages: Sequence[Stage], budget: Budget) -> tuple[Phase, ...]:
    """The stages as phases that share the budget.

    A budget of fewer epochs than stages skips the first ones: a head that begins at the probe
    can do without them.
    """
    total = total_epochs(budget)
    kept = stages[-total:]
    epochs = divide(total, [stage.share for stage in kept])
    return tuple(
        Phase(stage.name, part, stage.rates, l2_sp=budget.l2_sp, patience=budget.patience)
        for stage, part in zip(kept, epochs, strict=True)
    )


def total_epochs(budget: Budget) -> int:
    """The user's epochs, else as many as make about a thousand steps, within 3 and 30.

    Small sets get too few steps from the customary three to ten epochs; early stopping ends
    what no longer helps.
    """
    if budget.epochs is not None:
        return budget.epochs
    return min(max(round(STEPS / budget.steps_per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


def divide(total: int, shares: Sequence[int]) -> tuple[int, ...]:
    """A total in whole parts of at least one each, about in proportion to the shares.

    Args:
        total: not less than the number of shares.
        shares: positive.
    """
    spare = total - len(shares)
    ends = [round(spare * sum(shares[:count]) / sum(shares)) for count in range(len(shares) + 1)]
    return tuple(1 + end - start for start, end in itertools.pairwise(ends))
