"""Windows of contexts side by side, what a network gives for them, and its losses. Knows no metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from headstart.contracts import Answer, Batch, View
from headstart.modalities.stacking import stacked
from headstart.modalities.text.windows import Windows
from headstart.tasks.spans import answer_places

# The place of an answer in a row that only fills up.
FILLED = -1


def side_by_side(
    views: Sequence[View], answers: Sequence[Answer | None]
) -> tuple[dict[str, Tensor], dict[str, Tensor], tuple[Windows, ...]]:
    """Inputs, targets and geometry of a batch.

    An example shows all of its windows; in training the one that is drawn: every second time out of
    those that hold the answer, where any does, else out of all.

    Args:
        views: B of them.
        answers: the true one of each; None is none.

    Returns:
        Inputs (B, K, T) by name; examples of fewer than K windows repeat their last one.
        ``places`` (B, K, 2), the tokens at which the answer begins and ends: 0 in windows without it, and
        `FILLED` in those that are repeated. ``allowed`` (B, K, T), the tokens that may be said.
        The windows of each example.
    """
    shown = [_shown(view.geometry, answer) for view, answer in zip(views, answers, strict=True)]
    most = max(len(windows) for windows, _, _ in shown)
    rows = [
        replace(view, inputs={name: values[part] for name, values in view.inputs.items()}, geometry=None)
        for view, (_, parts, _) in zip(views, shown, strict=True)
        for part in [*parts, *parts[-1:] * (most - len(parts))]
    ]
    inputs = {
        name: values.reshape(len(views), most, *values.shape[1:]) for name, values in stacked(rows).items()
    }
    places = np.full((len(views), most, 2), FILLED, dtype=np.int64)
    allowed = np.zeros((len(views), most, next(iter(inputs.values())).shape[2]), dtype=bool)
    # The first token is "not in this window".
    allowed[..., 0] = True
    for row, (windows, _, found) in enumerate(shown):
        places[row, : len(windows)] = found
        for window, part in enumerate(windows.slices):
            allowed[row, window, : part.stop - part.start] |= windows.starts[part] >= 0
    targets = {"places": torch.from_numpy(places), "allowed": torch.from_numpy(allowed)}
    return inputs, targets, tuple(windows for windows, _, _ in shown)


def window_logits(network: nn.Module, batch: Batch) -> list[Tensor]:
    """Logits (K, T, 2) of all windows of each example, float32 on the CPU.

    Always so many rows are computed at once as the batch has examples, the last ones padded: what a
    window gives does not depend on how many there are, and memory is bounded.
    """
    size, most = next(iter(batch.inputs.values())).shape[:2]
    counts = [len(windows) for windows in batch.geometry[: len(batch)]]
    rows = [place * most + window for place, count in enumerate(counts) for window in range(count)]
    flat = {name: values.flatten(0, 1) for name, values in batch.inputs.items()}
    made = []
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        filled = torch.tensor([*some, *some[-1:] * (size - len(some))])
        chosen = {name: values[filled.to(values.device)] for name, values in flat.items()}
        made.append(network(**chosen)[: len(some)].detach().float().cpu())
    return list(torch.split(torch.cat(made), counts))


def training_losses(network: nn.Module, batch: Batch, smoothing: float) -> Tensor:
    """(B,) float32 with gradients: of each example the mean over the windows that it shows."""
    rows = {name: values[: len(batch)].flatten(0, 1) for name, values in batch.inputs.items()}
    targets = {name: values[: len(batch)] for name, values in batch.targets.items()}
    logits: Tensor = network(**rows)
    return _losses(logits.reshape(*targets["allowed"].shape, 2), **targets, smoothing=smoothing)


def evaluation_losses(logits: Sequence[Tensor], batch: Batch) -> list[float]:
    """Of each example the mean over its windows; NaN where the truth is not known.

    Args:
        logits: (K, T, 2) of each.
        batch: that they were computed from.
    """
    if batch.targets is None:
        return [math.nan] * len(logits)
    padded = nn.utils.rnn.pad_sequence(list(logits), batch_first=True)
    shown = slice(padded.shape[0]), slice(padded.shape[1])
    targets = {name: values[shown].cpu() for name, values in batch.targets.items()}
    losses: list[float] = _losses(padded, **targets, smoothing=0.0).tolist()
    return losses


def _shown(windows: Windows, answer: Answer | None) -> tuple[Windows, list[slice], NDArray[np.int64]]:
    """Which windows of an example are shown, their tokens, and the answer's places in them, (K, 2)."""
    places, slices = answer_places(windows, answer), windows.slices
    if windows.draw is None:
        return windows, slices, places
    holders = np.flatnonzero(places[:, 1]).tolist()
    holds, turn = windows.draw % 2, windows.draw // 2
    pool = holders if holders and holds else range(len(windows))
    drawn = pool[turn % len(pool)]
    return windows.only(drawn), slices[drawn : drawn + 1], places[drawn : drawn + 1]


def _losses(logits: Tensor, places: Tensor, allowed: Tensor, *, smoothing: float) -> Tensor:
    """Cross-entropies of begin and end over the tokens that may be said: their mean, over all windows too.

    Args:
        logits: (B, K, T, 2).
        places, allowed: as `side_by_side` gives them.
        smoothing: share of the target that is spread over all these tokens.

    Returns:
        (B,) float32.
    """
    masked = logits.float().masked_fill(~allowed[..., None], -torch.inf)
    logs = functional.log_softmax(masked, dim=2)
    likely = logs.gather(2, places.clamp(min=0)[:, :, None])[:, :, 0]
    if smoothing:
        even = torch.where(allowed[..., None], logs, 0.0).sum(2) / allowed.sum(2)[..., None]
        likely = torch.lerp(likely, even, smoothing)
    real = places[..., 0] != FILLED
    return torch.where(real, -likely.mean(-1), 0.0).sum(1) / real.sum(1)
