"""The probe of many rows, which are read a few at a time, is the probe of those rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from headstart.data.chunks import CHUNK
from headstart.features.logistic import fit_logistic, nothing_learned
from headstart.features.probe import SELECTION_ROWS, Probe, fit_probe


class Watched:
    """Rows that note how many were asked for at once."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.most = 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, places: object) -> np.ndarray:
        rows = self.values[places]
        rows.flags.writeable = False
        self.most = max(self.most, len(rows))
        return rows


def drawn(n: int, *, classes: int, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Features of Gaussian classes that overlap, and targets (N, C)."""
    random = np.random.default_rng(0)
    answers = random.integers(classes, size=n)
    features = random.normal(size=(classes, width))[answers] * 0.7 + random.normal(size=(n, width))
    return (features * 3 + 5).astype(np.float32), np.eye(classes, dtype=np.float32)[answers]


def probe(features: object, targets: np.ndarray, **changes: object) -> Probe:
    given = {"groups": [str(row) for row in range(len(targets))], "exclusive": True, "seed": 0, **changes}
    return fit_probe(features, targets, **given)


@pytest.mark.parametrize("classes", [2, 5])
def test_the_fit_on_chunks_is_that_of_scikit_learn_on_all_rows(classes: int) -> None:
    features, targets = drawn(SELECTION_ROWS + 2 * CHUNK + 7, classes=classes)
    ours = probe(features, targets, strength=0.01)
    spread = features.std(0)
    model = LogisticRegression(C=0.01, tol=1e-9, max_iter=1000)
    model.fit(((features - features.mean(0)) / spread).astype(np.float64), targets.argmax(1))
    weight = ours.weight[1:] - ours.weight[:1] if classes == 2 else ours.weight
    assert np.abs(weight * spread - model.coef_).max() < 2e-3 * np.abs(model.coef_).max()


def test_no_more_rows_are_in_memory_than_choose_the_regularisation() -> None:
    features, targets = drawn(2 * SELECTION_ROWS, classes=3)
    rows = Watched(features)
    fitted = probe(rows, targets)
    assert rows.most == SELECTION_ROWS
    rows.most = 0
    assert np.array_equal(fitted.logits(rows), fitted.logits(features))
    assert rows.most == CHUNK
    same = probe(features, targets)
    assert np.array_equal(fitted.weight, same.weight)
    assert fitted.strength == same.strength


def test_rows_of_half_precision_teach_the_same() -> None:
    features, targets = drawn(400, classes=3)
    half = features.astype(np.float16)
    assert np.array_equal(probe(half, targets).weight, probe(half.astype(np.float32), targets).weight)


def test_a_class_that_the_selection_misses_is_learned_from_all_rows() -> None:
    features, targets = drawn(2 * SELECTION_ROWS, classes=3)
    picked = np.random.default_rng(0).permutation(len(features))[:SELECTION_ROWS]
    missed = np.setdiff1d(np.arange(len(features)), picked)[:40]
    targets = np.concatenate([targets, np.zeros((len(targets), 1), dtype=np.float32)], axis=1)
    targets[missed], features[missed, 0] = [0, 0, 0, 1], 40
    fitted = probe(features, targets)
    assert (fitted.logits(features[missed]).argmax(1) == 3).all()


def test_questions_fitted_together_are_fitted_as_if_alone() -> None:
    features, targets = drawn(300, classes=4)
    both = probe(features, targets, exclusive=False, strength=0.1)
    alone = [probe(features, targets[:, [row]], exclusive=False, strength=0.1) for row in range(4)]
    assert np.allclose(both.weight, np.concatenate([one.weight for one in alone]), atol=1e-3)


def test_the_slope_of_the_loss_is_zero_where_the_search_ends() -> None:
    features, targets = drawn(2 * CHUNK, classes=3)
    rows = (features - features.mean(0)) / features.std(0)
    start = nothing_learned(3, rows.shape[1])
    found = fit_logistic(rows, targets, exclusive=True, strength=1.0, start=start, tolerance=1e-9)
    logits = rows @ found.weight.T + found.bias
    odds = np.exp(logits - logits.max(1, keepdims=True))
    residual = odds / odds.sum(1, keepdims=True) - targets
    assert np.abs(residual.T @ rows + found.weight).max() < 1e-3 * len(rows)
    assert np.abs(residual.sum(0)).max() < 1e-3 * len(rows)
