"""torch.compile with its inductor: slow to build, needs a C++ compiler on a CPU."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from headstart.features.engines.eager import TorchRunner
from headstart.features.engines.engine import Inputs, Precision


def build(module: nn.Module, inputs: Inputs, *, device: str, precision: Precision) -> TorchRunner:
    """Compile for inference, weights folded in as constants, and run once: that is when it compiles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of inductor's own inner workings
        call = torch.compile(module.to(device), options={"freezing": True})
        runner = TorchRunner(call, device=device, precision=precision)
        runner(inputs)
    return runner
