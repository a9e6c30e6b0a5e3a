"""Weights between those that training began with and those it ended with. Chooses none of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from headstart.training.freezing import tensors

# Of the way from the beginning to the end: with both of these, five candidates.
SHARES = (0.25, 0.5, 0.75)


class Blend:
    """A trained network that can be moved on the straight line to where it began (Wortsman et al., 2022).

    Args:
        network: trained; holds its own weights until it is moved.
        start: every weight and buffer by full name, as training began with them.
    """

    def __init__(self, network: nn.Module, start: Mapping[str, Tensor]) -> None:
        self._network = network
        self._ends = {
            name: (start[name].detach().to(value.device), value.detach().clone())
            for name, value in tensors(network).items()
            if value.is_floating_point() and not torch.equal(start[name].to(value.device), value)
        }

    @torch.no_grad()
    def move(self, share: float) -> None:
        """Give the network the weights at a share of the way: 0 is the beginning, 1 the end, both exactly."""
        everything = tensors(self._network)
        for name, (start, end) in self._ends.items():
            everything[name].copy_(torch.lerp(start, end, share))
