"""Every scorer against sklearn, plain and on samples in which examples are repeated."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from headstart.tasks.kinds import MULTI_LABEL, SOFTMAX
from headstart.tasks.metrics import auroc

N = 120


def one_of(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits with many ties, and true labels, (N, C) each."""
    random = np.random.default_rng(classes)
    truth = np.eye(classes, dtype=bool)[random.integers(classes, size=N)]
    return np.round(2 * random.normal(size=truth.shape) + 2 * truth) / 2, truth


def several_of(classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(classes)
    truth = random.random((N, classes)) < np.linspace(0.2, 0.7, classes)
    return np.round(2 * random.normal(size=truth.shape) + 2 * truth - 1) + 0.25, truth


def calibration_error(logits: np.ndarray, truth: np.ndarray) -> float:
    """By definition: bins (0, 1/15], (1/15, 2/15], ..."""
    probabilities = SOFTMAX.probabilities(logits)
    confidence, right = probabilities.max(axis=1), truth[SOFTMAX.chosen(logits)]
    error = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        error += abs(float(right[inside].sum() - confidence[inside].sum())) / len(truth)
    return error


def of_labels(metric: Callable[..., float]) -> Callable[..., float]:
    return lambda logits, truth: metric(truth.argmax(axis=1), logits.argmax(axis=1))


def ranked(logits: np.ndarray, truth: np.ndarray) -> float:
    probabilities = SOFTMAX.probabilities(logits)
    if truth.shape[1] == 2:
        return metrics.roc_auc_score(truth[:, 1], probabilities[:, 1])
    return metrics.roc_auc_score(truth.argmax(axis=1), probabilities, multi_class="ovr", average="macro")


ONE_OF_MANY = {
    "accuracy": of_labels(metrics.accuracy_score),
    "balanced_accuracy": of_labels(metrics.balanced_accuracy_score),
    "macro_f1": of_labels(lambda true, said: metrics.f1_score(true, said, average="macro")),
    "auroc": ranked,
    "log_loss": lambda logits, truth: metrics.log_loss(truth, SOFTMAX.probabilities(logits)),
    "ece": calibration_error,
}
SEVERAL = {
    "accuracy": lambda logits, truth: metrics.accuracy_score(truth, logits > 0),
    "macro_f1": lambda logits, truth: metrics.f1_score(truth, logits > 0, average="macro"),
    "micro_f1": lambda logits, truth: metrics.f1_score(truth, logits > 0, average="micro"),
    "auroc": lambda logits, truth: metrics.roc_auc_score(truth, logits, average="macro"),
    "log_loss": lambda logits, truth: np.mean(
        [
            metrics.log_loss(true, MULTI_LABEL.probabilities(column))
            for true, column in zip(truth.T, logits.T, strict=True)
        ]
    ),
}
CASES = [
    *[(SOFTMAX, one_of(2), name, expected) for name, expected in ONE_OF_MANY.items()],
    *[(SOFTMAX, one_of(5), name, expected) for name, expected in ONE_OF_MANY.items()],
    *[(MULTI_LABEL, several_of(4), name, expected) for name, expected in SEVERAL.items()],
]


@pytest.mark.parametrize(
    ("kind", "data", "name", "expected"),
    CASES,
    ids=[f"{kind.name}-{data[1].shape[1]}-{name}" for kind, data, name, _ in CASES],
)
def test_a_scorer_is_sklearns_metric_plain_and_on_repeated_examples(
    kind: Any, data: Any, name: str, expected: Callable[..., float]
) -> None:
    logits, truth = data
    weights = np.random.default_rng(9).integers(0, 4, size=(5, N))
    weights[0] = 1
    values = kind.scorers(logits, truth)[name](weights.astype(float))
    for row, value in zip(weights, values, strict=True):
        repeated = np.repeat(np.arange(N), row)
        assert value == pytest.approx(expected(logits[repeated], truth[repeated]), abs=1e-12)


@pytest.mark.parametrize("kind", [SOFTMAX, MULTI_LABEL], ids=lambda kind: kind.name)
def test_a_kind_gives_the_metrics_that_it_names(kind: Any) -> None:
    assert tuple(kind.scorers(*one_of(3))) == kind.metrics


def test_a_class_that_is_not_there_is_left_out_as_sklearn_leaves_it_out() -> None:
    logits, truth = one_of(5)
    there = ~truth[:, 4]
    scorers = SOFTMAX.scorers(logits, truth)
    for name in ("balanced_accuracy", "macro_f1"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            expected = ONE_OF_MANY[name](logits[there], truth[there])
        assert scorers[name](there[None].astype(float))[0] == pytest.approx(expected)
    assert np.isfinite(scorers["auroc"](there[None].astype(float))[0])


def test_the_area_is_undefined_where_only_one_class_is_there() -> None:
    logits, truth = one_of(2)
    only = truth[:, 1].astype(float)
    assert np.isnan(SOFTMAX.scorers(logits, truth)["auroc"](np.stack([only, 1 - only]))).all()


def test_no_weight_at_all_defines_nothing() -> None:
    for kind, data in ((SOFTMAX, one_of(3)), (MULTI_LABEL, several_of(3))):
        for scorer in kind.scorers(*data).values():
            assert np.isnan(scorer(np.zeros((1, N)))).all()


def test_the_area_does_not_depend_on_the_size_of_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, truth = several_of(3)
    weights = np.random.default_rng(2).random((7, N))
    whole = auroc(logits, truth)(weights)
    monkeypatch.setattr("headstart.tasks.metrics.BLOCK", 2 * N)
    np.testing.assert_allclose(auroc(logits, truth)(weights), whole)
