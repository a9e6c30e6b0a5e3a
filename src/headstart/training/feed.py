"""What a phase is fed with: batches to learn from, and what validates. Shapes only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from headstart.contracts import Batch, Phase


class TrainBatches(Protocol):
    """Training batches whose order is a function of the epoch."""

    def __len__(self) -> int:
        """Batches in one epoch."""

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0, from the `start`-th on."""


@dataclass(frozen=True)
class Validation:
    """What validating gave: the main metric, and the mean loss."""

    metric: float
    loss: float


Validate = Callable[[nn.Module], Validation]

# Of a phase and the epochs that it has left. Entered when the phase begins or goes on, with the weights
# of that moment, and left at its end.
Feed = Callable[[Phase, range], AbstractContextManager[tuple[TrainBatches, Validate]]]
