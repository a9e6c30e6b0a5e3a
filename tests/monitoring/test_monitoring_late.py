"""Labels that come after a window was judged: who is asked for them, and that they are tested once."""

import json

import numpy as np
import pytest

from headstart.monitoring.alarm import judge
from headstart.monitoring.arrays import comparable
from headstart.monitoring.late import judge_late
from headstart.monitoring.lot import Lot
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample

INPUTS = tuple(f"input {number}" for number in range(200))
LOT = Lot.of(INPUTS, 1)
DRAWN = tuple(name for name in INPUTS if name in LOT)


def rows(n, seed):
    random = np.random.default_rng(seed)
    first = random.random(n)
    return {"scores": np.stack([first, 1 - first], axis=1), "features": random.normal(size=(n, 4))}


REFERENCE = Reference(("a", "b"), **rows(300, 0), correct=np.arange(300) >= 30)


def window(right=None):
    """Of 200 inputs; `right` says of some of them whether the answer was."""
    correct = None if right is None else tuple(right.get(name) for name in INPUTS)
    return Sample(**rows(200, 1), inputs=INPUTS, correct=correct, lot=LOT)


def judged(right=None):
    return json.loads(json.dumps(judge(REFERENCE, window(right)).state()))


def by_name(findings):
    return {(finding["kind"], finding["name"]): finding for finding in findings}


def test_a_lot_draws_an_input_once_and_knows_it_again():
    assert len(DRAWN) == LOT.n == 100
    assert Lot.of((*INPUTS[::-1], *INPUTS), 1) == LOT
    assert Lot.from_state(json.loads(json.dumps(LOT.state()))) == LOT
    other = Lot.of(INPUTS, 2)
    assert 30 < sum(name in other for name in DRAWN) < 70
    assert Lot.of(("alone", "alone"), 1).n == 1


@pytest.mark.parametrize("asked", [INPUTS, DRAWN], ids=["all", "drawn"])
@pytest.mark.parametrize("wrong", [0.1, 0.5])
def test_later_labels_show_what_they_would_have_shown_at_once(asked, wrong):
    right = {name: place >= wrong * len(asked) for place, name in enumerate(asked)}
    late, at_once = judge_late(judged(), right, REFERENCE), judged(right)
    assert by_name(late.pop("findings")) == by_name(at_once.pop("findings"))
    assert late == at_once
    assert late["alarm"] == (wrong == 0.5)
    assert late["labelled_accuracy"]["by_lot"] == (asked is DRAWN)


def test_too_few_labels_and_corrections_alone_are_waited_on():
    assert judge_late(judged(), {}, REFERENCE) is None
    assert judge_late(judged(), dict.fromkeys(DRAWN[:89], False), REFERENCE) is None
    undrawn = [name for name in INPUTS if name not in LOT]
    assert judge_late(judged(), dict.fromkeys(undrawn, False), REFERENCE) is None


def test_without_labels_of_the_reference_nothing_is_tested():
    bare = Reference(("a", "b"), **rows(300, 0))
    state = json.loads(json.dumps(judge(bare, window()).state()))
    assert judge_late(state, dict.fromkeys(INPUTS, False), bare) is None


@pytest.mark.parametrize(
    ("scores", "features", "fine"),
    [
        ((0.5, 0.5), None, True),
        ((1.0001, 0.0), (1.0, -7.0), True),
        ((float("nan"), 0.5), None, False),
        ((float("inf"), 0.5), None, False),
        ((1.5, 0.5), None, False),
        ((0.5, 0.5), (1.0, float("nan")), False),
        ((0.5, 0.5), (float("-inf"), 1.0), False),
    ],
)
def test_what_can_be_compared_is_finite_and_a_probability(scores, features, fine):
    assert comparable(scores, features) == fine
