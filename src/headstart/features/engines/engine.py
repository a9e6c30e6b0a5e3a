"""What an engine is: one way to run the frozen part of a network. Knows no engine by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

Inputs = Mapping[str, Tensor]
Precision = Literal["fp32", "bf16"]


class Runner(Protocol):
    """A frozen part, ready to run on batches of the size for which it was built.

    What it gives of an example depends neither on the others of the batch nor on timing.

    Attributes:
        ahead: batches that are under way at once.
    """

    ahead: int

    def __call__(self, inputs: Inputs) -> Tensor:
        """(B, ...), float32, from tensors by name."""
        ...

    def map(self, batches: Iterable[Inputs]) -> Iterator[Tensor]:
        """The same of every batch, in order; keeps the machine busy while the caller reads and stores."""
        ...


@dataclass(frozen=True)
class Engine:
    """One way to run a frozen part.

    Attributes:
        name: for the plan: ``"openvino-bf16"``.
        precision: in which it computes.
        build: a runner of a module in evaluation mode, for inputs of the sample's form; neither the
            module's values nor its mode change. It may raise anything.
        build_seconds: that building takes as a rule.
        speedup: over the plain engine, as a rule.
    """

    name: str
    precision: Precision
    build: Callable[[nn.Module, Inputs], Runner]
    build_seconds: float
    speedup: float


def is_tokens(inputs: Inputs) -> bool:
    """Whether the inputs are (B, T) of integers, whose length T differs from batch to batch."""
    return all(value.ndim == 2 and not value.is_floating_point() for value in inputs.values())
