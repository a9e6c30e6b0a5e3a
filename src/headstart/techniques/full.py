"""Every layer at once, the deeper the slower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Le, Lt

from headstart.contracts import HEAD, Budget, Phase
from headstart.techniques.stages import Stage, phases_of

# The depth of the networks that the literature's decays per layer were found on.
LAYERS = 12
DECAYS: Mapping[str, float] = {"image": 0.75, "text": 0.9}


class Full:
    """Train all of it with rates that decay layer by layer (Clark et al., 2020; Bao et al., 2022).

    A decay per layer is one for networks of twelve layers (BERT, ViT-B). It is spread over
    the boundaries that there are, so that the first one learns equally slowly in any network.
    """

    @dataclass(frozen=True)
    class Options:
        """Rates.

        Attributes:
            layer_decay: what the rate is multiplied by, a layer further down, of twelve; None is
                0.75 for images and 0.9 for texts, as found for ViT and for BERT.
            lr: rate of the head and the last boundary, where `Budget.lr` gives none.
        """

        layer_decay: Annotated[float, Gt(0), Le(1)] | None = None
        lr: Annotated[float, Gt(0), Lt(1)] = 1e-4

    name: ClassVar[str] = "full"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """One phase."""
        return phases_of([Stage("full", self.rates(budget, boundaries), share=1)], budget)

    def rates(self, budget: Budget, boundaries: Sequence[str]) -> dict[str, float]:
        """Of the head and every boundary that is not to stay frozen."""
        lr = budget.lr or self.options.lr
        decay = (self.options.layer_decay or DECAYS[budget.modality]) ** (LAYERS / len(boundaries))
        rates = {
            name: lr * decay**depth
            for depth, name in enumerate(reversed(boundaries))
            if name not in budget.frozen
        }
        return {HEAD: lr} | rates
