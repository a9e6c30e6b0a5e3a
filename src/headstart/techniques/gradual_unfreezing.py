"""From the head down, one group of layers more in every phase."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, Lt

from headstart.contracts import Budget, Phase
from headstart.techniques.stages import Stage, phases_of


class GradualUnfreezing:
    """Unfreeze from the head down, each group of boundaries slower than the one above it.

    Gradual unfreezing and discriminative rates of Howard and Ruder (2018, sections 3.3 and 3.1).
    Their network had four layers; here boundaries are gathered into as many groups.
    """

    @dataclass(frozen=True)
    class Options:
        """Groups and rates.

        Attributes:
            groups: of boundaries, each unfrozen by a phase of its own.
            factor: how many times slower a group learns than the one above it.
            lr: rate of the head, where `Budget.lr` gives none.
        """

        groups: Annotated[int, Ge(1), Le(100)] = 4
        factor: Annotated[float, Ge(1), Le(10)] = 2.6
        lr: Annotated[float, Gt(0), Lt(1)] = 3e-4

    name: ClassVar[str] = "gradual-unfreezing"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """The head alone, then a group more in every phase; the last one is twice as long."""
        lr = budget.lr or self.options.lr
        rates = {"head": lr}
        stages = [Stage("head", rates, share=1)]
        trainable = [name for name in boundaries if name not in budget.frozen]
        for depth, group in enumerate(_groups(trainable, self.options.groups), start=1):
            rates = dict.fromkeys(group, lr / self.options.factor**depth) | rates
            stages.append(Stage(f"down to {group[0]}", rates, share=1))
        stages[-1] = replace(stages[-1], share=2)
        return phases_of(stages, budget)


def _groups(boundaries: Sequence[str], count: int) -> list[Sequence[str]]:
    """The boundaries in at most `count` groups of about one size, from the head down."""
    count = min(count, len(boundaries))
    ends = [len(boundaries) * (count - index) // count for index in range(count + 1)] if count else []
    return [boundaries[start:end] for end, start in itertools.pairwise(ends)]
