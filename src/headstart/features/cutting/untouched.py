"""Try a network out and leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Put back training flags, buffers, and what asks for gradients; weights must not be written to."""
    training = {module: module.training for module in network.modules()}
    asking = {parameter: parameter.requires_grad for parameter in network.parameters()}
    buffers = {buffer: buffer.clone() for buffer in network.buffers()}
    try:
        yield
    finally:
        # Asked of each, parents first: a module may do more than note its mode, such as drop what it kept.
        for module, flag in training.items():
            module.train(flag)
        for parameter, flag in asking.items():
            parameter.requires_grad_(flag)
        with torch.no_grad():
            for buffer, value in buffers.items():
                buffer.copy_(value)
