import math

import pytest

from headstart.evaluation.ranking import Candidate, ranked
from headstart.evaluation.scores import Interval


def candidate(name, probe, *, error=0.01, prior=None, latency=0.01):
    low, high = (None, None) if error is None else (probe - 1.96 * error, probe + 1.96 * error)
    return Candidate(
        name=name,
        licence="mit",
        parameters=1,
        latency=latency,
        seconds=1.0,
        prior=prior,
        probe=Interval(probe, low, high),
        log_me=0.0,
        neighbours=None,
    )


def names(*candidates):
    return [one.name for one in ranked(candidates)]


def test_a_large_sample_decides_whatever_was_known():
    assert names(candidate("known", 0.7, prior=0.8), candidate("seen", 0.8, prior=0.7)) == ["seen", "known"]


def test_what_is_known_decides_where_the_sample_is_small():
    small = {"error": 0.1}
    assert names(
        candidate("known", 0.74, prior=0.85, **small), candidate("seen", 0.76, prior=0.6, **small)
    ) == [
        "known",
        "seen",
    ]


def test_without_priors_the_probe_decides_and_of_equals_the_faster_one():
    assert names(candidate("worse", 0.6), candidate("better", 0.7)) == ["better", "worse"]
    assert names(candidate("slow", 0.7, latency=0.2), candidate("fast", 0.7, latency=0.1)) == ["fast", "slow"]


def test_a_model_without_a_prior_is_taken_for_a_usual_one():
    small = {"error": 0.1}
    order = names(
        candidate("good", 0.7, prior=0.8, **small),
        candidate("unknown", 0.7, **small),
        candidate("poor", 0.7, prior=0.6, **small),
    )
    assert order == ["good", "unknown", "poor"]


def test_expectations_lie_between_sample_and_prior_and_the_state_is_plain():
    (one,) = ranked([candidate("alone", 1.0, error=None, prior=0.9)])
    assert 0.9 < one.expected <= 1
    assert one.state()["probe"] == {"value": 1.0, "low": None, "high": None}
    (other,) = ranked([candidate("undefined", math.nan, error=None)])
    assert other.expected == pytest.approx(0.5)
