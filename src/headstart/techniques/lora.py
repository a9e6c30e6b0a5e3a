"""Matrices of low rank beside the weights, which stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, Lt

from headstart.contracts import Adapters, Budget, Phase
from headstart.techniques.stages import Stage, phases_of


class LoRA:
    """Train low-rank adapters and the head (Hu et al., 2022); they are added to the weights at the end.

    A hundredth of the weights is trained, so that optimiser and checkpoints are small, and what the
    network knows changes little. What is saved is a network like any other.
    """

    @dataclass(frozen=True)
    class Options:
        """Adapters and rate.

        Attributes:
            rank, alpha, dropout: as of `Adapters`.
            last: boundaries, from the head down, that get adapters; None is all of them.
            lr: rate of adapters and head, where `Budget.lr` gives none.
        """

        rank: Annotated[int, Ge(1), Le(1024)] = 8
        alpha: Annotated[int, Ge(1)] = 16
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.05
        last: Annotated[int, Ge(1)] | None = None
        lr: Annotated[float, Gt(0), Lt(1)] = 5e-4

    name: ClassVar[str] = "lora"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """One phase."""
        options = self.options
        chosen = boundaries if options.last is None else boundaries[-options.last :]
        trained = [name for name in chosen if name not in budget.frozen]
        rates = dict.fromkeys([*trained, "head"], budget.lr or options.lr)
        adapters = Adapters(options.rank, options.alpha, options.dropout)
        phases = phases_of([Stage("lora", rates, share=1)], budget)
        return tuple(replace(phase, adapters=adapters) for phase in phases)
