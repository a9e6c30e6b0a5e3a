"""The mean of the weights of several networks. Chooses none of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from headstart.training.freezing import tensors


class Soup:
    """Networks that were trained from about the same weights, averaged.

    Source: Wortsman et al. (2022), *Model soups*. Each was trained on other examples, so that together they
    have seen all; the mean is one network, and costs no more than one.
    """

    def __init__(self) -> None:
        self._mean: dict[str, Tensor] = {}
        self._count = 0

    @torch.no_grad()
    def add(self, network: nn.Module) -> None:
        """Stir a network's weights and buffers in."""
        self._count += 1
        for name, value in tensors(network).items():
            if not value.is_floating_point():
                continue
            own = value.detach().to("cpu", torch.float32)
            if name in self._mean:
                self._mean[name] += (own - self._mean[name]) / self._count
            else:
                self._mean[name] = own.clone()

    @torch.no_grad()
    def pour(self, network: nn.Module) -> None:
        """Give a network the mean."""
        everything = tensors(network)
        for name, value in self._mean.items():
            everything[name].copy_(value)
