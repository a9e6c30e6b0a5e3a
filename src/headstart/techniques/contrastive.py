"""Examples of one label are drawn together and others apart, before the head learns to tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt

from headstart.contracts import HEAD, Budget, Phase
from headstart.techniques.stages import Length, Stage, phases_of

# Epochs of either phase, at most: of very few examples there are very few steps in each.
MOST_EPOCHS = 100


class Contrastive:
    """Fine-tune the features by pairs of examples, then the head on them (SetFit; Tunstall et al., 2022).

    A handful of examples a class makes many pairs, so that a sentence encoder learns more from them than a
    head on top of it could say.
    """

    @dataclass(frozen=True)
    class Options:
        """Rates and lengths.

        Attributes:
            steps: of either phase, about.
            lr: rate of the boundaries, where `Budget.lr` gives none.
            head_lr: rate of the head in the second phase.
        """

        steps: Annotated[int, Ge(1)] = 50
        lr: Annotated[float, Gt(0), Lt(1)] = 2e-5
        head_lr: Annotated[float, Gt(0), Lt(1)] = 1e-2

    name: ClassVar[str] = "contrastive"
    pairs: ClassVar[bool] = True
    cross_validated: ClassVar[bool] = True

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """All boundaries by pairs of examples, then the head alone."""
        options = self.options
        trained = [name for name in boundaries if name not in budget.frozen]
        stages = [Stage("head", {HEAD: options.head_lr}, share=1)]
        if trained:
            rates = dict.fromkeys(trained, budget.lr or options.lr)
            stages.insert(0, Stage("contrast", rates, share=1, contrast=True))
        return phases_of(stages, budget, Length(2 * options.steps, len(stages), 2 * MOST_EPOCHS))
