"""PyTorch as it is, layer by layer: the engine that always works, by which the others are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from headstart.data.placing import placed
from headstart.features.engines.engine import Inputs, Precision


class TorchRunner:
    """Calls a module, or what was compiled from one, batch by batch.

    Args:
        call: takes tensors by name, gives (B, ...).
        device: that computes; inputs move there, those of four axes laid out channels-last.
        precision: "bf16" computes under autocast.
    """

    ahead = 1

    def __init__(self, call: Callable[..., Tensor], *, device: str, precision: Precision) -> None:
        self._call = call
        self._device = device
        self._bf16 = precision == "bf16"

    def __call__(self, inputs: Inputs) -> Tensor:
        """(B, ...), float32, on the device."""
        kind = torch.device(self._device).type
        with torch.no_grad(), torch.autocast(kind, dtype=torch.bfloat16, enabled=self._bf16):
            return self._call(**placed(inputs, self._device)).float()

    def map(self, batches: Iterable[Inputs]) -> Iterator[Tensor]:
        """One after the other: torch itself uses all cores."""
        return map(self, batches)


def build(module: nn.Module, _: Inputs, *, device: str, precision: Precision) -> TorchRunner:
    """The module itself, moved to the device."""
    return TorchRunner(module.to(device), device=device, precision=precision)
