"""The running average of the weights, which often generalises better than their last value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from headstart.training.freezing import Parameters


class Average:
    """Exponential moving average of parameters (Polyak and Juditsky, 1992).

    Attributes:
        weights: the average by name; empty where `decay` is 0, and nothing is averaged then.
    """

    def __init__(self, decay: float, parameters: Parameters) -> None:
        self._decay = decay
        self._parameters = parameters if decay else {}
        self.weights = {name: value.detach().clone() for name, value in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after a step, counted from 1.

        Early on the average is shorter than `decay` says, so that it forgets where it began.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._parameters.items():
            self.weights[name].lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Put back a saved average."""
        for name, value in weights.items():
            self.weights[name].copy_(value)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the averaged weights within, and its own again after."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            own = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(own)
