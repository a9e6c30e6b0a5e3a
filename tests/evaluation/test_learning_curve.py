"""One doubling ahead, on curves whose law is known."""

import numpy as np
import pytest

from headstart.evaluation.learning_curve import doubling

SIZES = [100, 200, 400, 800]


@pytest.mark.parametrize("slope", [-0.1, -0.35, -0.5])
def test_a_power_law_is_gone_on_with(slope: float) -> None:
    errors = 2.0 * np.array([*SIZES, 1600]) ** slope
    found = doubling(SIZES, np.tile(1 - errors[:-1], (3, 1)))
    assert found.gain == pytest.approx(errors[-2] - errors[-1])
    assert found.error == pytest.approx(0, abs=1e-12)


def test_draws_that_differ_widen_the_error_and_the_truth_is_within_twice_that() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 4))
    errors = 1.0 * np.array([*SIZES, 1600]) ** -0.3
    found = doubling(SIZES, 1 - errors[:-1] + noise)
    assert found.error > 0
    assert abs(found.gain - (errors[-2] - errors[-1])) < 2 * found.error + 0.01


def test_a_curve_that_gets_worse_promises_nothing() -> None:
    assert doubling(SIZES, np.array([[0.9, 0.88, 0.86, 0.85]] * 2)).gain == 0


def test_where_nothing_is_left_to_gain_or_too_few_sizes_are_there_nothing_is_said() -> None:
    assert doubling(SIZES, np.array([[0.9, 0.95, 0.99, 1.0]])) is None
    assert doubling(SIZES[:2], np.array([[0.5, 0.6]])) is None
    assert doubling(SIZES, np.array([[0.5, 0.6, 0.7, np.nan]])) is None
