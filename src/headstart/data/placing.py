"""Inputs of a batch, where a device computes them. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def placed(inputs: Mapping[str, Tensor], device: str, *, channels_last: bool = True) -> dict[str, Tensor]:
    """The inputs on a device, by name.

    Args:
        inputs: as `Batch.inputs`.
        device: that computes.
        channels_last: whether inputs of four axes lie channel by channel of each pixel.
    """
    return {
        name: value.to(
            device,
            non_blocking=True,
            memory_format=torch.channels_last if channels_last and value.ndim == 4 else torch.preserve_format,
        )
        for name, value in inputs.items()
    }
