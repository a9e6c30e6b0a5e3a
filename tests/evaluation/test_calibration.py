import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from torch import nn
from torch.nn import functional

from headstart.contracts import Example
from headstart.evaluation.answers import Answers
from headstart.evaluation.calibration import SPREAD, fit_temperature, reliability
from headstart.tasks.image_classification import ImageClassification


def task_of(*targets: object) -> ImageClassification:
    examples = [Example(id=str(row), input=None, target=target) for row, target in enumerate(targets)]
    return ImageClassification.from_examples(examples, {})


ONE_OF_THREE = task_of("a", "b", "c")
TAGS = task_of(("a", "b"), ("c",))


def drawn(task: ImageClassification, n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and targets drawn with the very probabilities that they say."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(n, 3))
    probabilities = task.probabilities(logits)
    if task.multi_label:
        return logits, (random.random((n, 3)) < probabilities).astype(float)
    return logits, np.stack([random.multinomial(1, row) for row in probabilities]).astype(float)


def log_loss(task: ImageClassification, logits: np.ndarray, targets: np.ndarray) -> float:
    return float(task.scorers(logits, targets)["log_loss"](np.ones((1, len(logits))))[0])


@pytest.mark.parametrize("task", [ONE_OF_THREE, TAGS], ids=["softmax", "multi-label"])
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_a_model_made_too_sure_by_a_factor_gets_that_factor_back(
    task: ImageClassification, factor: float
) -> None:
    logits, targets = drawn(task)
    temperature = fit_temperature(task, factor * logits, targets)
    assert temperature == pytest.approx(factor, rel=0.08)
    slightly = [log_loss(task, factor * logits / (temperature * by), targets) for by in (0.95, 1, 1.05)]
    assert slightly[1] == min(slightly)


@pytest.mark.parametrize("task", [ONE_OF_THREE, TAGS], ids=["softmax", "multi-label"])
def test_it_never_raises_the_loss_of_the_data_it_is_fitted_on(task: ImageClassification) -> None:
    for seed in range(20):
        logits, targets = drawn(task, n=6, seed=seed)
        temperature = fit_temperature(task, logits, targets)
        assert log_loss(task, logits / temperature, targets) <= log_loss(task, logits, targets)


def test_it_is_the_minimum_that_gradient_descent_finds() -> None:
    logits, targets = drawn(ONE_OF_THREE, n=300)
    inverse = nn.Parameter(torch.ones((), dtype=torch.float64))
    search = torch.optim.LBFGS([inverse], max_iter=100, tolerance_change=1e-12)

    def loss() -> torch.Tensor:
        search.zero_grad()
        value = functional.cross_entropy(3 * torch.as_tensor(logits) * inverse, torch.as_tensor(targets))
        value = value + (inverse.log() / SPREAD) ** 2 / 2 / len(logits)
        value.backward()
        return value

    search.step(loss)
    assert fit_temperature(ONE_OF_THREE, 3 * logits, targets) == pytest.approx(1 / inverse.item(), rel=1e-3)


def test_where_every_answer_is_right_nothing_says_how_sure_it_may_be() -> None:
    targets = np.eye(3)[[0, 1, 2, 0]]
    assert fit_temperature(ONE_OF_THREE, 0.1 * targets, targets) == 1.0


def test_no_validation_data_leaves_the_scores_alone() -> None:
    assert fit_temperature(ONE_OF_THREE, np.zeros((0, 3)), np.zeros((0, 3))) == 1.0


def test_the_reliability_of_several_labels_is_sklearns_calibration_curve() -> None:
    logits, targets = drawn(TAGS, n=500)
    table = reliability(Answers.read(TAGS, logits, targets), bins=10)
    share, mean = calibration_curve(targets.ravel(), TAGS.probabilities(logits).ravel(), n_bins=10)
    np.testing.assert_allclose([row.accuracy for row in table], share)
    np.testing.assert_allclose([row.confidence for row in table], mean)
    assert sum(row.count for row in table) == 1500


def test_the_reliability_of_one_label_gives_the_calibration_error() -> None:
    logits, targets = drawn(ONE_OF_THREE, n=500)
    table = reliability(Answers.read(ONE_OF_THREE, 2 * logits, targets))
    error = sum(row.count * abs(row.accuracy - row.confidence) for row in table) / 500
    expected = ONE_OF_THREE.scorers(2 * logits, targets)["ece"](np.ones((1, 500)))[0]
    assert error == pytest.approx(expected)
    assert all(row.low < row.confidence <= row.high for row in table)
    assert all(row.count for row in table)


def test_a_handful_of_answers_does_not_make_a_model_sure_of_itself() -> None:
    task = ImageClassification.from_state({"labels": ["a", "b"], "kind": "softmax", "metric": "accuracy"})
    logits = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (20, 1))
    logits[0] = [0.0, 0.01]
    targets = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (20, 1))
    assert 0.25 < fit_temperature(task, logits, targets) < 1
