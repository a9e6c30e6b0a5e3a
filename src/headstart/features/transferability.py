"""How well frozen features suit some labels, without fitting a probe: LogME and nearest neighbours.

Pure. Neither alone beats a list of models by their general quality; both stand beside the probe as columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_ROUNDS, _SETTLED = 200, 1e-5
# A singular value below this share is none; precisions are divided by no less than that.
_NOTHING, _LEAST = 1e-9, 1e-12
NEIGHBOURS = 5


def log_me(features: Floats, targets: Floats) -> float:
    """The logarithm of maximum evidence of a linear model, an example and output (You et al., 2021).

    Each output is regressed on the features by Bayesian ridge regression, whose two precisions are those
    under which the targets are the most probable; MacKay's fixed point finds them.

    Args:
        features: (N, D).
        targets: (N, outputs) in {0, 1}.

    Returns:
        Higher is better; comparable between models on the same examples.
    """
    rows = np.asarray(features, dtype=np.float64)
    rows = rows - rows.mean(axis=0)
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    there = singular > _NOTHING * max(float(singular.max()), 1.0)
    left, spectrum = left[:, there], singular[there] ** 2
    return float(np.mean([_evidence(left, spectrum, column) for column in np.asarray(targets, float).T]))


def _evidence(left: Floats, spectrum: Floats, target: Floats) -> float:
    """Of one output, an example; `left` (N, R) and `spectrum` (R,) are those of the features' own SVD."""
    target = target - target.mean()
    # The mean, which is taken away, leaves one direction fewer.
    count, rank = len(target) - 1, len(spectrum)
    along = (left.T @ target) ** 2
    beside = max(float(target @ target - along.sum()), 0.0)
    weights, noise = 1.0, 1.0  # The precisions of the weights and of the noise.
    for _ in range(_ROUNDS):
        size, rest = _misfit(spectrum, along, beside, weights / noise)
        used = float((spectrum / (spectrum + weights / noise)).sum())
        before = weights / noise
        weights = max(used, _LEAST) / max(size, _LEAST)
        noise = max(count - used, _LEAST) / max(rest, _LEAST)
        if abs(weights / noise - before) <= _SETTLED * before:
            break
    size, rest = _misfit(spectrum, along, beside, weights / noise)
    penalty = float(np.log(weights + noise * spectrum).sum())
    logs = rank * math.log(weights) + count * math.log(noise / (2 * math.pi))
    return float(logs - noise * rest - weights * size - penalty) / (2 * (count + 1))


def _misfit(spectrum: Floats, along: Floats, beside: float, ratio: float) -> tuple[float, float]:
    """Squared lengths of the weights of ridge regression, and of what they leave of the target."""
    size = float((spectrum * along / (spectrum + ratio) ** 2).sum())
    rest = beside + float((along * (ratio / (spectrum + ratio)) ** 2).sum())
    return size, rest


def nearest_neighbours(features: Floats, classes: NDArray[np.integer], groups: Sequence[str]) -> float:
    """Share of examples whose class is the commonest among their nearest neighbours of other groups.

    Neighbours are those at the smallest angle, seen from the mean; of equally common classes the one
    with the nearest neighbour counts.

    Args:
        features: (N, D).
        classes: (N,).
        groups: N keys.
    """
    rows = np.asarray(features, dtype=np.float32)
    rows = rows - rows.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    keys = np.unique(np.asarray(groups), return_inverse=True)[1]
    near = rows @ rows.T
    near[keys[:, None] == keys[None, :]] = -np.inf
    most = min(NEIGHBOURS, len(rows) - 1)
    order = np.argsort(-near, axis=1, kind="stable")[:, :most]
    right = [_commonest(classes[places]) == own for places, own in zip(order, classes, strict=True)]
    return float(np.mean(right))


def _commonest(classes: NDArray[np.integer]) -> int:
    """Of equally common ones the first."""
    values = classes.tolist()
    return int(max(values, key=values.count))
