"""The head first, then the last layers with it, slowly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt

from headstart.contracts import Budget, Phase
from headstart.techniques.stages import Stage, phases_of


class TwoPhase:
    """Train the head on the frozen network, then fine-tune (Chollet, 2020, Keras guide to transfer learning).

    The head comes first, so that the large gradients of an untrained one do not destroy what
    the network knows.
    """

    @dataclass(frozen=True)
    class Options:
        """Depth and rates.

        Attributes:
            last: boundaries, from the head down, that are fine-tuned; None is a third of them.
            head_lr: rate of the first phase.
            lr: rate of the second phase, where `Budget.lr` gives none.
        """

        last: Annotated[int, Ge(1)] | None = None
        head_lr: Annotated[float, Gt(0), Lt(1)] = 1e-3
        lr: Annotated[float, Gt(0), Lt(1)] = 1e-5

    name: ClassVar[str] = "two-phase"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """The head alone for a third of the epochs, then the last boundaries with it."""
        last = self.options.last or math.ceil(len(boundaries) / 3)
        lr = budget.lr or self.options.lr
        stages = [Stage("head", {"head": self.options.head_lr}, share=1)]
        if trained := [name for name in boundaries[-last:] if name not in budget.frozen]:
            stages.append(Stage("fine-tune", dict.fromkeys([*trained, "head"], lr), share=2))
        return phases_of(stages, budget)
