"""What a network says of every example of a sequence of batches. Knows no files and no metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from headstart.contracts import Batch, Example, Task
from headstart.data.placing import placed


def compute_outputs(
    task: Task, network: nn.Module, batches: Iterable[Batch], *, device: str = "cpu", quick: bool = False
) -> dict[str, Any]:
    """Run the network, in evaluation mode and without gradients, over batches.

    The one way in which outputs are made, so that what is measured and what is served are the
    same numbers. Nothing but the network stays on the device.

    Args:
        task: makes outputs from the network's.
        network: moved to the device; its modules get their modes back.
        batches: on the CPU.
        device: where to compute; 4-d inputs are laid out channels-last.
        quick: whether as much of them is enough as the watched metric and the loss need.

    Returns:
        One output an example, by its id, as the task's scorers and `decode` take them.
    """
    outputs: dict[str, Any] = {}
    ask = task.quick_outputs if quick else task.outputs
    with _evaluating(network.to(device)), torch.inference_mode():
        for batch in batches:
            on_device = replace(batch, inputs=placed(batch.inputs, device))
            outputs.update(zip(batch.ids, ask(network, on_device), strict=True))
    return outputs


def in_order(outputs: Mapping[str, Any], examples: Sequence[Example]) -> list[Any]:
    """The outputs of these examples."""
    return [outputs[example.id] for example in examples]


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
