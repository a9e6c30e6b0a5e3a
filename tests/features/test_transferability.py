"""LogME is the evidence that it says, and neighbours are those of other groups."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from headstart.features.transferability import log_me, nearest_neighbours


def evidence_by_search(features: np.ndarray, target: np.ndarray) -> float:
    """The largest log density, an example, under N(0, 1 / noise + features features' / weights)."""
    # Without the mean: in all directions but that of equal numbers.
    basis = np.linalg.svd(np.eye(len(target)) - 1 / len(target))[0][:, :-1]
    rows, target = basis.T @ features, basis.T @ target

    def negative(logs: np.ndarray) -> float:
        weights, noise = np.exp(logs)
        covariance = np.eye(len(rows)) / noise + rows @ rows.T / weights
        return -multivariate_normal(np.zeros(len(rows)), covariance).logpdf(target)

    starts = [(0.0, 0.0), (3.0, 1.0), (-2.0, 3.0)]
    return max(-minimize(negative, start, method="Nelder-Mead").fun for start in starts) / (len(rows) + 1)


@pytest.mark.parametrize("width", [3, 12, 60])
def test_log_me_is_the_maximum_of_the_evidence(width):
    draw = np.random.default_rng(width)
    features = draw.normal(size=(40, width))
    target = (features[:, 0] + draw.normal(size=40) > 0).astype(float)
    assert log_me(features, target[:, None]) == pytest.approx(evidence_by_search(features, target), abs=2e-3)


def test_log_me_prefers_features_that_tell_the_labels():
    draw = np.random.default_rng(0)
    target = (np.arange(100) % 2).astype(float)[:, None]
    noise = draw.normal(size=(100, 8))
    telling = noise + 2 * target
    assert log_me(telling, target) > log_me(noise, target) + 0.1


def test_log_me_is_finite_where_features_do_not_vary():
    assert np.isfinite(log_me(np.ones((10, 4)), np.eye(2)[np.arange(10) % 2]))


def test_neighbours_vote_and_members_of_a_group_do_not():
    draw = np.random.default_rng(0)
    classes = np.arange(60) % 2
    features = draw.normal(size=(60, 4)) + 5 * classes[:, None] * np.array([1, -1, 0, 0])
    alone = [str(row) for row in range(60)]
    assert nearest_neighbours(features, classes, alone) == 1
    # Each row twice, in one group with its copy: what copies say is not counted.
    random = draw.integers(0, 2, 60)
    twice, labels = np.concatenate([features, features]), np.concatenate([random, random])
    leaky = nearest_neighbours(twice, labels, [str(row) for row in range(120)])
    honest = nearest_neighbours(twice, labels, [*alone, *alone])
    assert honest < leaky
