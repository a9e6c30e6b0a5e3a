"""Logistic regression by L-BFGS, its rows read a chunk at a time. Knows not where rows come from.

It is the regression of scikit-learn, with the same solution, on rows that need not fit in memory:
those that do not are read anew for every step. Products are taken in single precision, and summed
over the chunks in double.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from headstart.contracts import Rows
from headstart.data.batches import CORES
from headstart.data.chunks import CHUNK
from headstart.data.prefetch import prefetch

STEPS = 1000  # at most


@dataclass(frozen=True)
class Linear:
    """A linear model: ``logits = rows @ weight.T + bias``.

    Attributes:
        weight: (outputs, D), float64.
        bias: (outputs,), float64.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, outputs) from (N, D)."""
        return rows @ self.weight.T.astype(np.float32) + self.bias.astype(np.float32)


def nothing_learned(outputs: int, width: int) -> Linear:
    """Where a fit begins that knows nothing."""
    return Linear(np.zeros((outputs, width)), np.zeros(outputs))


def fit_logistic(
    rows: Rows,
    targets: NDArray[np.float32],
    *,
    exclusive: bool,
    strength: float,
    start: Linear,
    tolerance: float,
    intercept: bool = True,
) -> Linear:
    """The weights and biases with the least ``strength * losses + sum(weight ** 2) / 2``.

    Args:
        rows: (N, D), float32, about zero and of about unit spread.
        targets: (N, outputs) in {0, 1}.
        exclusive: whether the columns are one choice (softmax) or questions apart (sigmoid).
        strength: inverse regularisation.
        start: where the search begins.
        tolerance: share by which a step must lessen the loss for another to follow. A bound on
            the slope, as in scikit-learn, ends too soon where classes can be told apart, and too
            late where they cannot.
        intercept: whether biases are fitted; else they stay as they are at the start.
    """
    shape = start.weight.shape

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        now = _unpacked(flat, shape)
        loss, slope = _loss_and_slope(rows, targets, now, exclusive)
        loss += float(np.square(now.weight).sum()) / (2 * strength)
        by_bias = slope.bias if intercept else np.zeros_like(slope.bias)
        return loss, _packed(Linear(slope.weight + now.weight / strength, by_bias))

    options = {"maxiter": STEPS, "ftol": tolerance, "gtol": 0.0}
    found = minimize(objective, _packed(start), method="L-BFGS-B", jac=True, options=options)
    return _unpacked(found.x, shape)


def log_loss(
    linear: Linear, rows: NDArray[np.float32], targets: NDArray[np.float32], exclusive: bool
) -> float:
    """Summed over the rows, in nats."""
    return _loss(linear.logits(rows), targets, exclusive)[0]


def _loss_and_slope(
    rows: Rows, targets: NDArray[np.float32], linear: Linear, exclusive: bool
) -> tuple[float, Linear]:
    """Summed log loss, and its slope by weight and by bias."""

    def part_of(part: slice) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
        chunk = rows[part]
        loss, residual = _loss(linear.logits(chunk), targets[part], exclusive)
        return loss, residual.T @ chunk, residual.sum(axis=0)

    parts = [slice(first, first + CHUNK) for first in range(0, len(rows), CHUNK)]
    in_memory = isinstance(rows, np.ndarray)
    done = map(part_of, parts) if in_memory else prefetch(part_of, parts, threads=CORES, ahead=CORES)
    total, weight, bias = 0.0, np.zeros_like(linear.weight), np.zeros_like(linear.bias)
    for loss, by_weight, by_bias in done:
        total += loss
        weight += by_weight
        bias += by_bias
    return total, Linear(weight, bias)


def _loss(
    logits: NDArray[np.float32], targets: NDArray[np.float32], exclusive: bool
) -> tuple[float, NDArray[np.float32]]:
    """Summed log loss of a chunk, and its slope by the logits: probability less target."""
    if exclusive:
        logits = logits - logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        sums = odds.sum(axis=1, keepdims=True)
        losses, probability = np.log(sums[:, 0]) - (logits * targets).sum(axis=1), odds / sums
    else:
        losses, probability = np.logaddexp(0, logits * (1 - 2 * targets)), expit(logits)
    return float(losses.sum(dtype=np.float64)), probability - targets


def _packed(linear: Linear) -> NDArray[np.float64]:
    return np.concatenate([linear.weight.ravel(), linear.bias])


def _unpacked(flat: NDArray[np.float64], shape: tuple[int, ...]) -> Linear:
    size = shape[0] * shape[1]
    return Linear(flat[:size].reshape(shape), flat[size:])
