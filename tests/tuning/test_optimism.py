"""The correction takes away what was luck, and no more."""

import numpy as np
import pytest

from headstart.tasks.metrics import mean
from headstart.tuning.optimism import corrected, redrawn


def trials_of(rates, *, n, seed):
    """Draws of trials that are right on each example with some probability, and what they seem to score."""
    draw = np.random.default_rng(seed)
    right = draw.random((len(rates), n)) < np.asarray(rates)[:, None]
    groups = [str(row) for row in range(n)]
    return [redrawn(mean(row.astype(float)), groups, seed=0) for row in right], right.mean(axis=1)


def test_of_equal_trials_the_luck_of_the_best_is_taken_away():
    errors, seen = [], []
    for seed in range(40):
        trials, scores = trials_of([0.8] * 30, n=100, seed=seed)
        best = int(scores.argmax())
        found = corrected(trials, best=best, seen=scores[best], lower_is_better=False)
        errors.append(found.value - 0.8)
        seen.append(found.seen - 0.8)
    assert np.mean(seen) > 0.06
    assert abs(np.mean(errors)) < 0.035
    assert not found.clear or found.wins >= 0.5


def test_a_trial_that_is_truly_better_keeps_what_it_has():
    trials, scores = trials_of([0.9, 0.6, 0.6, 0.6], n=400, seed=0)
    found = corrected(trials, best=0, seen=scores[0], lower_is_better=False)
    assert found.value == pytest.approx(scores[0], abs=0.005)
    assert found.clear and found.wins > 0.95
    assert found.low < found.value < found.high


def test_one_trial_alone_is_not_corrected():
    trials, scores = trials_of([0.7], n=50, seed=0)
    found = corrected(trials, best=0, seen=scores[0], lower_is_better=False)
    assert found.value == found.seen and found.clear and found.optimism == 0


def test_of_errors_the_lowest_is_corrected_upward():
    trials, scores = trials_of([0.2] * 20, n=80, seed=1)
    best = int(scores.argmin())
    found = corrected(trials, best=best, seen=scores[best], lower_is_better=True)
    assert found.value > found.seen


def test_a_metric_that_most_draws_do_not_define_gives_nothing():
    trials, _ = trials_of([0.5], n=3, seed=0)
    empty = [type(one)([float("nan")] * len(one.inside), one.outside) for one in trials]
    assert corrected(empty, best=0, seen=0.5, lower_is_better=False) is None
