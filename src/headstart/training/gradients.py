"""The gradient of one optimiser step, in pieces that fit in memory. Knows no optimiser.

The gradient is that of the *sum* of the losses of a window of batches. Dividing once, by the
window's units, makes it that of one large batch, however it was cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from headstart.contracts import Batch, Loss, Task
from headstart.errors import NonFiniteLoss, RunError, a_few
from headstart.planning.plan import Plan
from headstart.training.device import autocast, is_out_of_memory, place_batch, seeded
from headstart.training.freezing import BACKBONE, Parameters
from headstart.training.state import Sums

TrainMetric = Callable[[Any, Batch], float]


@dataclass(frozen=True)
class Gradients:
    """What a window gave, beside the gradients that the parameters hold.

    Attributes:
        micro_batch: examples at once with which it was possible.
        losses: by example id, on the device.
    """

    sums: Sums
    micro_batch: int
    losses: Sequence[tuple[tuple[str, ...], Tensor]]


def window_gradients(
    network: nn.Module,
    window: Sequence[Batch],
    *,
    task: Task,
    plan: Plan,
    step: int,
    micro_batch: int,
    train_metric: TrainMetric,
) -> Gradients:
    """Fill the parameters' gradients with that of a window's mean loss.

    Out of memory, it begins again with half as many examples at once, so that the window, and with
    it the result, stays the same.

    Raises:
        RunError: not even one example fits in memory.
    """
    while True:
        try:
            return _attempt(
                network,
                window,
                task=task,
                plan=plan,
                step=step,
                micro_batch=micro_batch,
                train_metric=train_metric,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if micro_batch == 1:
                raise RunError(
                    f"Step {step + 1}: out of memory on {plan.device} with one example at a time.",
                    "Choose a smaller model or image size, or train fewer layers.",
                ) from error
        # Halved here, not above: the error holds on to the memory of the attempt.
        micro_batch = min(micro_batch, max(len(batch) for batch in window)) // 2 or 1


def add_pull(parameters: Parameters, start: Mapping[str, Tensor], strength: float) -> None:
    """Add the gradient of the pull of backbone weights toward where they began (Li et al., 2018)."""
    for name, parameter in parameters.items():
        if strength and name.startswith(BACKBONE) and parameter.grad is not None:
            parameter.grad.add_(parameter.detach() - start[name], alpha=strength)


def refuse_non_finite(gradients: Gradients, norm: Tensor, *, step: int, epoch: int) -> None:
    """Stop before a step that would spoil the weights.

    Args:
        gradients: of the step.
        norm: of the gradient.
        step: steps done before it.
        epoch: of the step, from 1.

    Raises:
        NonFiniteLoss: loss or gradient is NaN or infinite; names the examples with the worst loss.
    """
    if math.isfinite(gradients.sums.loss) and math.isfinite(float(norm)):
        return
    losses = {
        name: float(loss)
        for names, values in gradients.losses
        for name, loss in zip(names, values.tolist(), strict=True)
    }
    broken = [name for name, loss in losses.items() if not math.isfinite(loss)]
    worst = broken or sorted(losses, key=lambda name: losses[name], reverse=True)
    what = "loss" if not math.isfinite(gradients.sums.loss) else "gradient"
    raise NonFiniteLoss(
        f"Step {step + 1} of epoch {epoch}: the {what} is not finite. "
        f"Examples with the worst loss: {a_few(worst)}.",
        "Look at these examples, or lower the learning rate; the last checkpoint is intact.",
    )


def _attempt(
    network: nn.Module,
    window: Sequence[Batch],
    *,
    task: Task,
    plan: Plan,
    step: int,
    micro_batch: int,
    train_metric: TrainMetric,
) -> Gradients:
    network.zero_grad(set_to_none=True)
    totals: list[Tensor] = []
    losses: list[tuple[tuple[str, ...], Tensor]] = []
    units, metric = 0.0, 0.0
    with seeded(plan.seed, step, plan.device) as generator:
        for batch in window:
            plain = place_batch(batch, plan)
            mixed = task.mix(plain, plan.objective.mixup, generator) if plan.objective.mixup else plain
            for start in range(0, len(batch), micro_batch):
                stop = min(start + micro_batch, len(batch))
                loss, outputs = _backward(network, mixed.piece(start, stop), task, plan)
                totals.append(loss.total.detach())
                losses.append((plain.ids[start:stop], loss.per_example.detach()))
                units += loss.units
                metric += train_metric(outputs, plain.piece(start, stop)) * (stop - start)
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.grad.div_(units)
    examples = sum(len(batch) for batch in window)
    sums = Sums(float(torch.stack(totals).sum()), units, metric, examples)
    return Gradients(sums, micro_batch, losses)


def _backward(network: nn.Module, piece: Batch, task: Task, plan: Plan) -> tuple[Loss, Any]:
    with autocast(plan):
        loss, outputs = task.loss(network, piece, plan.objective)
    torch.autograd.backward(loss.total)
    return loss, outputs
