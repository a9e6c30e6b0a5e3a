"""The linear probe: logistic regression on frozen features. Knows no images and no networks.

It is the first model of every run, the baseline of every report, and where a plain linear head
begins (linear probing before fine-tuning: Kumar et al., 2022).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold

STRENGTHS = tuple(float(10.0**power) for power in np.arange(-5, 1.1, 0.5))
SELECTION_ROWS = 3000
PATH_STEPS = 100
# Least spread of a feature, as a share of the usual one. At 0 the log loss on digits was 2.6 times
# as high; photos did not care.
QUIETEST = 0.3


@dataclass(frozen=True)
class Probe:
    """A linear model on raw features: ``logits = features @ weight.T + bias``.

    Attributes:
        weight: (outputs, D), float32; one output where two classes share one logit.
        bias: (outputs,), float32.
        strength: the inverse regularisation that cross-validation chose.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, outputs) from (N, D)."""
        return features @ self.weight.T + self.bias


def fit_probe(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    groups: Sequence[str],
    exclusive: bool,
    seed: int,
    strength: float | None = None,
) -> Probe:
    """Fit logistic regression, its regularisation chosen by cross-validated log loss.

    Features are scaled for the fit, and the scaling is folded into the result.

    Args:
        features: (N, D).
        targets: (N, outputs) in {0, 1}. One column is one yes-or-no question.
        groups: N keys; members of one group are never on two sides of a fold.
        exclusive: whether the columns are one choice (softmax) or questions apart (sigmoid).
        seed: of the folds.
        strength: inverse regularisation, where it was chosen before.

    Returns:
        The probe, refitted on all rows.
    """
    mean = features.mean(axis=0)
    scale = _scale(features)
    rows = _rotated((features - mean) / scale)
    answers = [targets.argmax(axis=1)] if exclusive else list((targets > 0.5).astype(int).T)
    chosen = strength or _choose(rows.values, answers, groups=groups, seed=seed)
    fitted = [_fit(rows.values, answer, chosen) for answer in answers]
    weight = np.concatenate([part.weight for part in fitted])
    bias = np.concatenate([part.bias for part in fitted])
    if exclusive and len(weight) == 1:
        weight = np.concatenate([-weight / 2, weight / 2])
        bias = np.concatenate([-bias / 2, bias / 2])
    if exclusive:
        weight, bias = _spread(weight, bias, answers[0], classes=targets.shape[1])
    weight = (weight @ rows.axes) / scale
    return Probe(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), chosen)


def _scale(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The spread of each feature, (D,), by which it is divided.

    One that is silent on nearly all examples is not made loud: the first example on which it
    speaks would outweigh all others.
    """
    spread = features.std(axis=0)
    usual = float(np.sqrt(np.mean(np.square(spread))))
    scale: NDArray[np.float32] = np.maximum(spread, np.float32(QUIETEST * usual or 1.0))
    return scale


@dataclass(frozen=True)
class _Rows:
    values: NDArray[np.float32]
    axes: NDArray[np.float32]


@dataclass(frozen=True)
class _Linear:
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


def _rotated(rows: NDArray[np.float32]) -> _Rows:
    """The same rows on their own axes, at most N of them.

    The L2 penalty does not change under rotation, so the fit is the same, and cheaper where
    there are fewer examples than features.
    """
    if len(rows) >= rows.shape[1]:
        return _Rows(rows, np.eye(rows.shape[1], dtype=np.float32))
    left, spread, axes = np.linalg.svd(rows, full_matrices=False)
    return _Rows(left * spread, axes)


def _choose(
    rows: NDArray[np.float32], answers: list[NDArray[np.int64]], *, groups: Sequence[str], seed: int
) -> float:
    """The strength with the lowest cross-validated log loss, summed over the questions."""
    picked = np.random.default_rng(seed).permutation(len(rows))[:SELECTION_ROWS]
    rows, keys = rows[picked], np.asarray(groups, dtype=object)[picked].astype(str)
    losses = np.zeros(len(STRENGTHS))
    for answer in (whole[picked] for whole in answers):
        for train, held in _folds(answer, keys, seed):
            present = np.unique(answer[train])
            known = np.isin(answer[held], present)
            if len(present) >= 2 and known.any():
                losses += _path(rows[train], answer[train], rows[held][known], answer[held][known])
    return STRENGTHS[int(np.argmin(losses))] if losses.any() else 1.0


def _path(
    rows: NDArray[np.float32],
    answer: NDArray[np.int64],
    held_rows: NDArray[np.float32],
    held_answer: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Summed log loss on held-out rows for every strength, from strong regularisation to weak.

    Each fit begins at the one before. Once the loss has risen well above its lowest, weaker
    regularisation only overfits further: the rest of the path keeps that loss.
    """
    model = LogisticRegression(warm_start=True, max_iter=PATH_STEPS)
    losses = np.empty(len(STRENGTHS))
    for place, strength in enumerate(STRENGTHS):
        model.set_params(C=strength)
        losses[place] = _log_loss(_fitted(model, rows, answer), held_rows, held_answer, np.unique(answer))
        if losses[place] > 1.1 * losses[: place + 1].min() + 1.0:
            losses[place:] = losses[place]
            break
    return losses


def _folds(
    answer: NDArray[np.int64], keys: NDArray[np.str_], seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    folds = min(5 if len(answer) < 1000 else 3, len(np.unique(keys)))
    if folds < 2:
        return []
    if int(np.bincount(answer).max()) >= folds:
        cut = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(answer, answer, keys)
    elif len(np.unique(keys)) == len(keys):
        cut = KFold(folds, shuffle=True, random_state=seed).split(answer)
    else:
        cut = GroupKFold(folds).split(answer, answer, keys)
    with warnings.catch_warnings():
        # A class with fewer members than folds is missing from some folds; that is handled.
        warnings.simplefilter("ignore", UserWarning)
        return list(cut)


def _fit(rows: NDArray[np.float32], answer: NDArray[np.int64], strength: float) -> _Linear:
    present = np.unique(answer)
    if len(present) < 2:
        sure = 10.0 if present[0] else -10.0
        return _Linear(np.zeros((1, rows.shape[1])), np.array([sure]))
    return _fitted(LogisticRegression(C=strength, max_iter=1000), rows, answer)


def _fitted(model: LogisticRegression, rows: NDArray[np.float32], answer: NDArray[np.int64]) -> _Linear:
    with warnings.catch_warnings():
        # Weakly regularised fits of separable data need not converge to be compared.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Two examples a class are few, but no regression.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(rows, answer)
    return _Linear(np.array(model.coef_), np.array(model.intercept_))


def _log_loss(
    fitted: _Linear, rows: NDArray[np.float32], answer: NDArray[np.int64], present: NDArray[np.int64]
) -> float:
    """Summed log loss; a yes-or-no model's one logit is the second class's against the first's."""
    logits = rows @ fitted.weight.T + fitted.bias
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    logits = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(logits).sum(axis=1))
    return float((log_sum - logits[np.arange(len(rows)), np.searchsorted(present, answer)]).sum())


def _spread(
    weight: NDArray[np.float64], bias: NDArray[np.float64], answer: NDArray[np.int64], *, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One row a class, also for classes that no row shows: those are as good as excluded."""
    present = np.unique(answer)
    if len(present) == classes:
        return weight, bias
    full = np.zeros((classes, weight.shape[1]))
    low = np.full(classes, float(bias.min()) - 10.0)
    full[present], low[present] = weight[: len(present)], bias[: len(present)]
    return full, low
