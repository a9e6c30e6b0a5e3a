"""The probe is logistic regression, whatever the shape of the data."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from headstart.features.probe import QUIETEST, Probe, fit_probe


def drawn(n: int, *, width: int = 40, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of Gaussian classes, and targets (N, C)."""
    random = np.random.default_rng(seed)
    answers = np.arange(n) % classes
    centres = random.normal(size=(classes, width))
    features = centres[answers] + random.normal(size=(n, width))
    return features.astype(np.float32), np.eye(classes, dtype=np.float32)[answers]


def probe(features: np.ndarray, targets: np.ndarray, **changes: object) -> Probe:
    given = {"groups": [str(row) for row in range(len(features))], "exclusive": True, "seed": 0, **changes}
    return fit_probe(features, targets, **given)


@pytest.mark.parametrize("n", [30, 300])
def test_it_is_logistic_regression_on_scaled_features(n: int) -> None:
    features, targets = drawn(n)
    ours = probe(features, targets, strength=0.1)
    spread = np.maximum(features.std(0), QUIETEST * np.sqrt((features.std(0) ** 2).mean()))
    rows, answers = (features - features.mean(0)) / spread, targets.argmax(1)
    expected = LogisticRegression(C=0.1, max_iter=1000).fit(rows, answers).predict_log_proba(rows)
    logits = ours.logits(features)
    found = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert np.abs(found - expected).max() < 0.02


def test_two_classes_get_a_logit_each_and_a_question_gets_one() -> None:
    features, targets = drawn(60, classes=2)
    assert probe(features, targets).weight.shape == (2, 40)
    assert probe(features, targets[:, 1:], exclusive=False).weight.shape == (1, 40)


def test_questions_apart_are_answered_each_for_itself() -> None:
    features, targets = drawn(90)
    both = np.concatenate([targets[:, :1], 1 - targets[:, :1]], axis=1)
    fitted = probe(features, both, exclusive=False)
    assert np.allclose(fitted.weight[0], -fitted.weight[1], atol=1e-3)


def test_the_strength_falls_where_features_say_nothing() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=(200, 40)).astype(np.float32)
    _, targets = drawn(200)
    assert probe(noise, targets).strength < probe(*drawn(200)).strength


def test_a_feature_that_is_silent_but_once_does_not_decide() -> None:
    features, targets = drawn(90)
    silent = np.zeros((90, 1), dtype=np.float32)
    silent[0] = 1e-3
    fitted = probe(np.concatenate([features, silent], axis=1), targets)
    loud = np.concatenate([features, np.ones((90, 1), dtype=np.float32)], axis=1)
    right = fitted.logits(loud).argmax(1) == targets.argmax(1)
    assert right.mean() > 0.9


def test_a_class_with_one_example_and_one_with_none_are_no_trouble() -> None:
    features, targets = drawn(31)
    targets = np.concatenate([targets, np.zeros((31, 2), dtype=np.float32)], axis=1)
    targets[30] = [0, 0, 0, 1, 0]
    logits = probe(features, targets).logits(features)
    assert np.isfinite(logits).all()
    assert not (logits.argmax(1) == 4).any()


def test_a_question_whose_answer_is_always_the_same_is_answered_so() -> None:
    features, _ = drawn(20)
    always = np.ones((20, 1), dtype=np.float32)
    assert (probe(features, always, exclusive=False).logits(features) > 0).all()


def test_equal_features_are_no_trouble() -> None:
    _, targets = drawn(20)
    assert np.isfinite(probe(np.ones((20, 5), dtype=np.float32), targets).logits(np.ones((1, 5)))).all()


def test_handwritten_digits_are_read() -> None:
    digits = load_digits()
    pixels, targets = digits.data.astype(np.float32), np.eye(10, dtype=np.float32)[digits.target]
    fitted = probe(pixels[:600], targets[:600])
    assert (fitted.logits(pixels[600:]).argmax(1) == digits.target[600:]).mean() > 0.9


def test_two_examples_a_class_are_few_but_no_reason_to_warn() -> None:
    generator = np.random.default_rng(0)
    classes = np.repeat(np.arange(15), 2)
    features = (generator.normal(size=(30, 8)) + 9 * np.eye(15, 8)[classes]).astype(np.float32)
    targets = np.eye(15, dtype=np.float32)[classes]
    assert probe(features, targets).weight.shape == (15, 8)
