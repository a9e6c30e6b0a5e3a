"""The linear probe alone: nothing of the network is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from headstart.contracts import Budget, Phase


class LinearProbe:
    """Logistic regression on frozen features, which every fit computes first; no phase follows it."""

    @dataclass(frozen=True)
    class Options:
        """The probe has no options: its regularisation is cross-validated."""

    name: ClassVar[str] = "linear-probe"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """No phase."""
        return ()
