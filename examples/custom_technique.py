"""A technique of your own: surgical fine-tuning, which trains one part of the network.

Lee et al. (2023), Surgical Fine-Tuning Improves Adaptation to Distribution Shifts: where the
pictures look different (noise, another camera), the first layers are to adapt; where the labels
mean something different, the last ones.

A technique decides and touches no tensor: it turns a budget and the names of boundaries into
phases. To use it in a checkout, save it as `src/headstart/techniques/surgical.py` and add one
line to `TECHNIQUES` in `src/headstart/catalog.py`:

    "surgical": "headstart.techniques.surgical:Surgical",

The tests of contracts then run over it, and `headstart fit DATA --technique surgical` knows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt, Lt

from headstart.contracts import Budget, Phase
from headstart.techniques.stages import Stage, phases_of

PARTS = ("first", "middle", "last")


class Surgical:
    """Train one third of the boundaries, with the head, and leave the rest as it is."""

    @dataclass(frozen=True)
    class Options:
        """Which third, and how fast.

        Attributes:
            part: of the network.
            lr: rate of it and of the head, where `Budget.lr` gives none.
        """

        part: Literal["first", "middle", "last"] = "first"
        lr: Annotated[float, Gt(0), Lt(1)] = 1e-4

    name: ClassVar[str] = "surgical"
    pairs: ClassVar[bool] = False
    cross_validated: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """One phase."""
        place, count = PARTS.index(self.options.part), len(boundaries)
        third = boundaries[place * count // 3 : (place + 1) * count // 3]
        trained = [name for name in third if name not in budget.frozen]
        rates = dict.fromkeys([*trained, "head"], budget.lr or self.options.lr)
        return phases_of([Stage("surgery", rates, share=1)], budget)


if __name__ == "__main__":
    network = [f"blocks.{number}" for number in range(9)]
    for part in PARTS:
        technique = Surgical(Surgical.Options(part=part))
        for phase in technique.phases(Budget(epochs=None, steps_per_epoch=50), network):
            print(f"{part}: {phase.epochs} epochs of {', '.join(phase.rates)}")
