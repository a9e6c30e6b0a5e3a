"""Where and in what precision is computed, from what seed, and when memory is short. Knows no loss."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from headstart.contracts import Batch
from headstart.data.placing import placed
from headstart.errors import RunError
from headstart.planning.plan import Plan


def place_network(network: nn.Module, plan: Plan) -> None:
    """Move a network to the plan's device and memory format."""
    network.to(plan.device)
    if plan.channels_last:
        network.to(memory_format=torch.channels_last)


def place_batch(batch: Batch, plan: Plan) -> Batch:
    """The batch on the plan's device; inputs of four axes in its memory format."""
    inputs = placed(batch.inputs, plan.device, channels_last=plan.channels_last)
    return replace(batch, inputs=inputs, targets=_moved(batch.targets, plan.device))


def autocast(plan: Plan) -> torch.autocast:
    """The precision of the forward pass."""
    device_type = torch.device(plan.device).type
    return torch.autocast(device_type, dtype=torch.bfloat16, enabled=plan.precision == "bf16")


@contextmanager
def seeded(seed: int, step: int, device: str) -> Iterator[torch.Generator]:
    """Random numbers that are a function of (seed, step) alone; the process's own are untouched.

    Gives a generator for mixing. That nothing random outlives a step is why a checkpoint holds no
    state of a generator, and why a resumed run draws what an uninterrupted one would.
    """
    devices = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(_number(f"{seed}/{step}/dropout"))
        yield torch.Generator().manual_seed(_number(f"{seed}/{step}/mix"))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; on the CPU torch says so in words only."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return "not enough memory" in text or "can't allocate memory" in text


@contextmanager
def fixed_batches(what: str, *, size: int, device: str) -> Iterator[None]:
    """Batches whose size is part of the answers are computed within: out of memory, none is halved.

    Args:
        what: is computed: "features", "predictions".
        size: examples at once.
        device: that computes.

    Raises:
        RunError: out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            f"Out of memory on {device}: {what} of {size} examples at once. The size is fixed, as the "
            "last digits of an answer depend on it.",
            "Choose a smaller model or image size, or another device.",
        ) from error


def _number(text: str) -> int:
    # Hashed, as torch's generator on the CPU takes in only the lower 32 bits of a seed.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: _moved(part, device) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_moved(part, device) for part in value)
    return value
