"""The linear probe: logistic regression on frozen features. Knows no images and no networks.

It is the first model of every run, the baseline of every report, and where a plain linear head
begins (linear probing before fine-tuning: Kumar et al., 2022). Features are read a chunk at a time,
so that a fit takes the same memory whatever their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from headstart.contracts import Rows
from headstart.data.chunks import chunks, float32, mean_of
from headstart.data.folds import deal
from headstart.features.logistic import Linear, fit_logistic, log_loss, nothing_learned
from headstart.store.rows import SomeRows

STRENGTHS = tuple(float(10.0**power) for power in np.arange(-5, 1.1, 0.5))
SELECTION_ROWS = 3000
# Shares of the loss by which a step must lessen it: to compare strengths, and for the probe.
COARSE, FINE = 1e-4, 1e-5
# Least spread of a feature, as a share of the usual one. At 0 the log loss on digits was 2.6 times
# as high; photos did not care.
QUIETEST = 0.3
SURE = 10.0  # logit of an answer that never differs


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

    def logits(self, features: Rows) -> NDArray[np.float32]:
        """(N, outputs) from (N, D)."""
        return np.concatenate([chunk @ self.weight.T + self.bias for chunk in chunks(features)])


def fit_probe(
    features: Rows,
    targets: NDArray[np.float32],
    *,
    groups: Sequence[str],
    exclusive: bool,
    seed: int,
    strength: float | None = None,
    intercept: bool = True,
) -> Probe:
    """Fit logistic regression, its regularisation chosen by cross-validated log loss.

    Features are scaled for the fit, and the scaling is folded into the result. What
    `SELECTION_ROWS` of the rows teach is where the fit on all of them begins.

    Args:
        features: (N, D).
        targets: (N, outputs) in {0, 1}. One column is one yes-or-no question.
        groups: N keys; members of one group are never on two sides of a fold.
        exclusive: whether the columns are one choice (softmax) or questions apart (sigmoid).
        seed: of the selection, and of its folds.
        strength: inverse regularisation, where it was chosen before.
        intercept: whether it has biases; some networks have no place for them.

    Returns:
        The probe, fitted on all rows.
    """
    # Numpy and scipy have threads of their own; where these waited for each other, products as small
    # as most are here took forty times as long.
    with threadpool_limits(1, user_api="blas"):
        rows = _Scaled.of(features, centred=intercept)
        picked = np.sort(np.random.default_rng(seed).permutation(len(rows))[:SELECTION_ROWS])
        few, answers = _rotated(rows[picked]), targets[picked]
        keys = np.array([groups[row] for row in picked])
        how = _How(exclusive, intercept)
        chosen = strength or _choose(few.values, answers, keys, how, seed=seed)
        start = nothing_learned(targets.shape[1], few.values.shape[1])
        fitted = _fit(few.values, answers, how, strength=chosen, start=start)
        fitted = Linear(fitted.weight @ few.axes, fitted.bias)
        if len(picked) < len(rows):
            fitted = _fit(rows, targets, how, strength=chosen, start=fitted)
    weight = fitted.weight / rows.scale
    bias = fitted.bias - weight @ rows.mean
    return Probe(weight.astype(np.float32), bias.astype(np.float32), chosen)


def held_out_logits(
    features: Rows,
    targets: NDArray[np.float32],
    *,
    groups: Sequence[str],
    exclusive: bool,
    seed: int,
    strength: float | None = None,
    intercept: bool = True,
) -> NDArray[np.float32]:
    """What a probe says of each row that was fitted without it and without the others of its group.

    Args:
        features, targets, groups, exclusive, intercept: as of `fit_probe`.
        seed: of the folds.
        strength: inverse regularisation; None is what `fit_probe` chooses on all rows.

    Returns:
        (N, outputs).
    """
    if strength is None:
        strength = fit_probe(
            features, targets, groups=groups, exclusive=exclusive, seed=seed, intercept=intercept
        ).strength
    keys = np.asarray(groups)
    folds = _folds(targets, keys, seed)
    logits = np.zeros(targets.shape, dtype=np.float32)
    for fold in np.unique(folds):
        train, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(train):
            continue
        fitted = fit_probe(
            SomeRows(features, train),
            targets[train],
            groups=keys[train].tolist(),
            exclusive=exclusive,
            seed=seed,
            strength=strength,
            intercept=intercept,
        )
        logits[held] = fitted.logits(SomeRows(features, held))
    return logits


@dataclass(frozen=True)
class _How:
    """What the model is: whether its columns are one choice, and whether it has biases."""

    exclusive: bool
    intercept: bool


@dataclass(frozen=True)
class _Scaled:
    """Features about zero and of about unit spread, made when they are asked for.

    Attributes:
        features: (N, D).
        mean: (D,).
        scale: (D,) by which each feature is divided.
    """

    features: Rows
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, features: Rows, *, centred: bool) -> _Scaled:
        """By their own mean, or none, and spread.

        A feature that is silent on nearly all examples is not made loud: the first example on
        which it speaks would outweigh all others.
        """
        mean = mean_of(features)
        total = sum(np.square(chunk - mean).sum(axis=0, dtype=np.float64) for chunk in chunks(features))
        variance = np.asarray(total) / len(features)
        least = QUIETEST * np.sqrt(variance.mean()) or 1.0
        scale = np.maximum(np.sqrt(variance), least).astype(np.float32)
        return cls(features, mean if centred else np.zeros_like(mean), scale)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, places: slice | Sequence[int] | NDArray[np.integer]) -> NDArray[np.float32]:
        rows = float32(self.features[places]) - self.mean
        rows /= self.scale
        return rows


@dataclass(frozen=True)
class _Rotated:
    """Rows on other axes: ``rows == values @ axes``.

    Attributes:
        values: (N, axes).
        axes: (axes, D), at right angles.
    """

    values: NDArray[np.float32]
    axes: NDArray[np.float32]


def _rotated(rows: NDArray[np.float32]) -> _Rotated:
    """The same rows on their own axes, at most N of them.

    The L2 penalty does not change under rotation, so the fit is the same, and cheaper where
    there are fewer examples than features.
    """
    if len(rows) >= rows.shape[1]:
        return _Rotated(rows, np.eye(rows.shape[1], dtype=np.float32))
    left, spread, axes = np.linalg.svd(rows, full_matrices=False)
    return _Rotated(left * spread, axes)


@dataclass(frozen=True)
class _Shown:
    """Which columns of targets some rows teach.

    Attributes:
        known: columns that are not answered alike in all rows.
        fitted: those with a logit of their own; of a choice between two it is the second.
        exclusive: whether these are one choice.
    """

    known: NDArray[np.intp]
    fitted: NDArray[np.intp]
    exclusive: bool

    @classmethod
    def by(cls, targets: NDArray[np.float32], exclusive: bool) -> _Shown:
        known = np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0))
        pair = exclusive and len(known) == 2
        return cls(known, known[1:] if pair else known, exclusive and not pair)


def _fit(rows: Rows, targets: NDArray[np.float32], how: _How, *, strength: float, start: Linear) -> Linear:
    """Logistic regression with a logit a column; one that is always answered alike is sure.

    Args:
        start: of the same form.
    """
    shown = _Shown.by(targets, how.exclusive)
    sure = np.where(targets.all(axis=0), SURE, -SURE) * how.intercept
    if not len(shown.known):
        return Linear(np.zeros_like(start.weight), sure)
    # One logit between two classes is half for the one and half against the other.
    shares = np.array([-0.5, 0.5]) if len(shown.fitted) < len(shown.known) else np.ones(1)
    begun = Linear(start.weight[shown.fitted] / shares[-1], start.bias[shown.fitted] / shares[-1])
    learned = fit_logistic(
        rows,
        targets[:, shown.fitted],
        exclusive=shown.exclusive,
        strength=strength,
        start=begun,
        tolerance=FINE,
        intercept=how.intercept,
    )
    weight = np.zeros_like(start.weight)
    weight[shown.known] = learned.weight * shares[:, None]
    bias = sure + (min(learned.bias * shares) if how.exclusive else 0)
    bias[shown.known] = learned.bias * shares
    return Linear(weight, bias)


def _choose(
    rows: NDArray[np.float32],
    targets: NDArray[np.float32],
    keys: NDArray[np.str_],
    how: _How,
    *,
    seed: int,
) -> float:
    """The strength with the lowest cross-validated log loss, summed over the columns."""
    losses = np.zeros(len(STRENGTHS))
    folds = _folds(targets, keys, seed)
    for fold in np.unique(folds):
        train, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        shown = _Shown.by(targets[train], how.exclusive)
        if how.exclusive:  # what training has not shown, it cannot be asked
            held = held[targets[held][:, shown.known].any(axis=1)]
        if len(shown.known) and len(held):
            answers = targets[:, shown.fitted]
            losses += _path(rows, answers, train, held, replace(how, exclusive=shown.exclusive))
    return STRENGTHS[int(np.argmin(losses))] if losses.any() else 1.0


def _path(
    rows: NDArray[np.float32],
    answers: NDArray[np.float32],
    train: NDArray[np.intp],
    held: NDArray[np.intp],
    how: _How,
) -> NDArray[np.float64]:
    """Summed log loss on held-out rows for every strength, from strong regularisation to weak.

    Each fit begins at the one before. Once the loss has risen well above its lowest, weaker
    regularisation only overfits further: the rest of the path keeps that loss.
    """
    learning, learned = rows[train], answers[train]
    asked, expected = rows[held], answers[held]
    losses = np.empty(len(STRENGTHS))
    fitted = nothing_learned(answers.shape[1], rows.shape[1])
    for place, strength in enumerate(STRENGTHS):
        fitted = fit_logistic(
            learning,
            learned,
            exclusive=how.exclusive,
            strength=strength,
            start=fitted,
            tolerance=COARSE,
            intercept=how.intercept,
        )
        losses[place] = log_loss(fitted, asked, expected, how.exclusive)
        if losses[place] > 1.1 * losses[: place + 1].min() + 1.0:
            losses[place:] = losses[place]
            break
    return losses


def strata(targets: NDArray[np.float32]) -> NDArray[np.int64]:
    """(N,) by what folds are to be alike: the rarest column that holds, or that none does."""
    answers = np.column_stack([targets > 0.5, ~(targets > 0.5).any(axis=1)])
    return np.asarray(np.where(answers, answers.sum(axis=0), np.inf).argmin(axis=1))


def _folds(targets: NDArray[np.float32], keys: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """(N,) the fold of each row."""
    return deal(strata(targets), keys, 5 if len(targets) < 1000 else 3, seed=seed)
