"""What is done where the user names no technique."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from headstart.contracts import Budget, Phase
from headstart.techniques.full import Full
from headstart.techniques.two_phase import TwoPhase


class Auto:
    """Linear probing, then fine-tuning (Kumar et al., 2022): of images in two phases, of texts all at once.

    Every fit begins with the probe, starts the head there and keeps the better of the two,
    so that this is never worse than the probe on validation data.
    """

    @dataclass(frozen=True)
    class Options:
        """None: who wants to choose names the technique."""

    name: ClassVar[str] = "auto"
    pairs: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """The phases of `two-phase`, or of `full`."""
        technique = Full(Full.Options()) if budget.modality == "text" else TwoPhase(TwoPhase.Options())
        return technique.phases(budget, boundaries)
