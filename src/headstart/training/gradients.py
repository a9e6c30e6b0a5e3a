"""The gradient of one optimiser step, in pieces that fit in memory. Knows no optimiser.

The gradient is that of the *sum* of the losses of a window of batches. Dividing once, by the
window's units, makes it that of one large batch, however it was cut.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from headstart.contracts import HEAD, Batch, Loss, Task
from headstart.errors import RunError
from headstart.planning.plan import Plan
from headstart.training.device import autocast, is_out_of_memory, place_batch, seeded
from headstart.training.freezing import BACKBONE, Parameters


@dataclass(frozen=True, slots=True)
class Piece:
    """Examples that were computed at once: tensors are where they were computed.

    Attributes:
        loss: the sum over their units, without a gradient.
        outputs: (n, ...), as `Task.loss` gives them, without a gradient; None where it gives none.
        targets: of the batch as it was before mixing.
    """

    ids: tuple[str, ...]
    loss: Loss
    outputs: Tensor | None
    targets: Any


@dataclass(frozen=True, slots=True)
class Gradients:
    """What a window gave, beside the gradients that the parameters hold.

    Attributes:
        pieces: of the window, in order.
        micro_batch: examples at once with which it was possible.
    """

    pieces: Sequence[Piece]
    micro_batch: int

    @property
    def loss(self) -> Tensor:
        """Summed over the window, on the device."""
        return torch.stack([piece.loss.total for piece in self.pieces]).sum()

    @property
    def units(self) -> float:
        """Of the window."""
        return sum(piece.loss.units for piece in self.pieces)

    @property
    def examples(self) -> int:
        """In the window."""
        return sum(len(piece.ids) for piece in self.pieces)


def window_gradients(
    network: nn.Module,
    window: Sequence[Batch],
    *,
    parameters: Collection[nn.Parameter],
    task: Task,
    plan: Plan,
    step: int,
    micro_batch: int,
    contrast: bool = False,
) -> Gradients:
    """Fill the gradients of these parameters, all that train, with that of a window's mean loss.

    No more tokens are computed at once than the plan allows. Out of memory, it begins again with half
    as many examples at once. The window, and with it the result, stays the same. Of pairs, only those
    within a piece count.

    Args:
        network: in training.
        window: batches of one step.
        parameters: whose gradients are asked for.
        task: gives the loss.
        plan: objective, precision, device and seed.
        step: done before this one.
        micro_batch: examples at once, at most.
        contrast: whether pairs of examples give the loss.

    Raises:
        RunError: not even one example fits in memory.
    """
    while True:
        try:
            return _attempt(
                network,
                window,
                parameters=parameters,
                task=task,
                plan=plan,
                step=step,
                micro_batch=micro_batch,
                contrast=contrast,
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


def _attempt(
    network: nn.Module,
    window: Sequence[Batch],
    *,
    parameters: Collection[nn.Parameter],
    task: Task,
    plan: Plan,
    step: int,
    micro_batch: int,
    contrast: bool = False,
) -> Gradients:
    for parameter in parameters:
        parameter.grad = None
    pieces: list[Piece] = []
    with seeded(plan.seed, step, plan.device) as generator:
        for batch in window:
            plain = place_batch(batch, plan)
            mixing = plan.objective.mixup and not contrast
            mixed = task.mix(plain, plan.objective.mixup, generator) if mixing else plain
            size = micro_batch if contrast else _within(plan.token_budget, plain, micro_batch)
            for start in range(0, len(batch), size):
                stop = min(start + size, len(batch))
                loss, outputs = _backward(network, mixed.piece(start, stop), task, plan, contrast=contrast)
                piece = plain.piece(start, stop)
                pieces.append(Piece(piece.ids, loss, outputs, piece.targets))
    gradients = Gradients(pieces, micro_batch)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.div_(gradients.units)
    return gradients


def _within(token_budget: int | None, batch: Batch, most: int) -> int:
    """Examples at once of which no more tokens are computed than that; at least one."""
    if token_budget is None or batch.boundary == HEAD:
        return most
    # Of token ids (B, T) or (B, windows, T); of what layers gave for them (B, T, features).
    tokens = max(
        values.shape[1] if values.is_floating_point() else values[0].numel()
        for values in batch.inputs.values()
    )
    return max(1, min(most, token_budget // tokens))


def _backward(
    network: nn.Module, piece: Batch, task: Task, plan: Plan, *, contrast: bool
) -> tuple[Loss, Tensor | None]:
    """Add to the gradients; gives the loss without what it was computed from, and the outputs."""
    with autocast(plan):
        loss, outputs = (
            (task.contrast(network, piece), None) if contrast else task.loss(network, piece, plan.objective)
        )
    torch.autograd.backward(loss.total)
    return replace(loss, total=loss.total.detach()), None if outputs is None else outputs.detach()
