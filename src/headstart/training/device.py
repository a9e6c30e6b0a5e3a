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

LOOK_EVERY = 32


def place_network(network: nn.Module, plan: Plan) -> None:
    """Move a network to the plan's device and memory format."""
    network.to(plan.device)
    network.to(memory_format=torch.channels_last if plan.channels_last else torch.contiguous_format)


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
    # Torch's own fork of its generators seeds every kind of device there might be: half of the
    # time of a step on stored features, as measured.
    drawn_from = _generators(torch.device(device))
    before = [generator.get_state() for generator in drawn_from]
    for generator in drawn_from:
        generator.manual_seed(_number(f"{seed}/{step}/dropout"))
    try:
        yield torch.Generator().manual_seed(_number(f"{seed}/{step}/mix"))
    finally:
        for generator, state in zip(drawn_from, before, strict=True):
            generator.set_state(state)


def looks_every(device: str) -> int:
    """Steps between two looks at their losses: on a CPU reading a number waits for nothing."""
    return 1 if torch.device(device).type == "cpu" else LOOK_EVERY


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


def _generators(device: torch.device) -> list[torch.Generator]:
    """What dropout and the like draw from, on the CPU and on the device."""
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


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
