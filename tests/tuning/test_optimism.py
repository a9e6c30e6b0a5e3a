"""The correction takes away what was luck, and no more."""

from dataclasses import replace

import numpy as np
import pytest

from headstart.tasks.metrics import mean
from headstart.tuning.optimism import corrected, redrawn


def trials_of(rates, *, n, seed):
    """Draws of trials that are right on each example with some probability, and what they seem to score."""
    draw = np.random.default_rng(seed)
    right = draw.random((len(rates), n)) < np.asarray(rates)[:, None]
    return drawn_of(right), right.mean(axis=1)


def drawn_of(right, metric="accuracy"):
    """Draws of trials that are right where they are, (trials, n)."""
    groups = [str(row) for row in range(right.shape[1])]
    return [redrawn(mean(row.astype(float)), groups, metric=metric, seed=0) for row in right]


def wrong_once(*places, n=60):
    """Of trials that are wrong about one of n examples each, None about none."""
    right = np.ones((len(places), n), dtype=bool)
    for trial, place in enumerate(places):
        if place is not None:
            right[trial, place] = False
    return right


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
    assert not found.clear


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
    empty = [replace(one, inside=[float("nan")] * len(one.inside)) for one in trials]
    assert corrected(empty, best=0, seen=0.5, lower_is_better=False) is None


def test_one_example_tells_no_trials_apart_and_a_flawless_one_has_the_interval_of_a_fit():
    trials = drawn_of(wrong_once(None, 3, 7))
    found = corrected(trials, best=0, seen=1.0, lower_is_better=False)
    assert (found.clear, found.rivals) == (False, 2)
    assert found.wins < 0.8 and 0 < found.optimism < 0.05
    # Wilson's, moved by the correction.
    assert found.low == pytest.approx(60 / (60 + 1.96**2) - found.optimism, abs=1e-3)
    assert found.high == 1
    other = corrected(
        drawn_of(wrong_once(None, 3), metric="macro_f1"), best=0, seen=1.0, lower_is_better=False
    )
    assert (other.low, other.high) == (None, None)


def test_trials_that_give_the_same_answers_are_no_rivals():
    found = corrected(drawn_of(wrong_once(3, 3, 3)), best=0, seen=59 / 60, lower_is_better=False)
    assert (found.rivals, found.wins, found.optimism) == (0, 1, 0)
