"""A window judged: how often it rings where nothing has changed, and that it rings where something has."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import binom

from headstart.errors import RequestError
from headstart.monitoring.alarm import KEPT, judge
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample

WINDOWS = 200
ALPHA = 0.05


def rate_without_a_shift(world, n, m, alpha, reference=None):
    """How many of 200 windows ring, each with a reference of its own unless one is given."""
    random, rung = np.random.default_rng(7), 0
    for seed in range(WINDOWS):
        then, now = world.parted(n, m, random)
        before = dataclasses.replace(world.reference(then), correct=None)
        sample = dataclasses.replace(world.sample(now), correct=None)
        rung += judge(before, sample, alpha=alpha, seed=seed).alarm
    return rung


def rung_of(windows, alpha=ALPHA):
    """The share of (reference, sample) that rings."""
    bare = [(before, dataclasses.replace(now, correct=None)) for before, now in windows]
    return np.mean([judge(before, now, alpha=alpha).alarm for before, now in bare])


def test_without_a_shift_no_more_windows_ring_than_stated(world):
    rung = rate_without_a_shift(world, n=150, m=60, alpha=ALPHA)
    assert rung <= binom.ppf(0.99, WINDOWS, ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.01, 0.05])
@pytest.mark.parametrize(("n", "m"), [(36, 36), (36, 200), (400, 200)])
def test_without_a_shift_the_stated_rate_holds_for_any_sizes(world, n, m, alpha):
    rung = rate_without_a_shift(world, n=n, m=m, alpha=alpha)
    assert rung <= binom.ppf(0.999, WINDOWS, alpha)


@pytest.mark.parametrize("name", ["blur", "noise", "inverted", "brighter"])
def test_a_change_of_pictures_rings(world, shifts, name):
    random = np.random.default_rng(0)
    parts = [world.parted(400, 200, random) for _ in range(3)]
    assert rung_of((world.reference(then), world.sample(now, shifts[name])) for then, now in parts) == 1


def with_nines(world, n, m, share, random):
    """A reference without, and a window with a share of a class that was never taught."""
    taught = random.permutation(np.flatnonzero(world.truth != 9))
    nines = random.permutation(np.flatnonzero(world.truth == 9))
    strange = round(share * m)
    now = np.concatenate([taught[n : n + m - strange], nines[:strange]])
    assert len(now) == m
    return world.reference(taught[:n]), world.sample(now)


def test_a_class_that_was_never_taught_rings(world_without_nine):
    random = np.random.default_rng(0)
    assert rung_of(with_nines(world_without_nine, 400, 200, 0.3, random) for _ in range(3)) == 1


@pytest.mark.slow
def test_a_rare_new_class_is_often_missed_where_a_frequent_one_is_not(world_without_nine):
    random = np.random.default_rng(0)
    few, many = (
        rung_of(with_nines(world_without_nine, 400, m, share, random) for _ in range(20))
        for m, share in ((200, 0.1), (200, 0.2))
    )
    assert few < 0.75 < many


def test_changed_proportions_ring(world):
    random, windows = np.random.default_rng(0), []
    for _ in range(3):
        then, rest = world.parted(400, len(world.pictures) - 400, random)
        threes, others = (rest[(world.truth[rest] == 3) == is_three] for is_three in (True, False))
        windows.append((world.reference(then), world.sample(np.concatenate([threes[:80], others[:120]]))))
    assert rung_of(windows) == 1
    found = judge(*windows[0], alpha=ALPHA)
    assert {"3"} <= {finding.name for finding in found.rang}
    three = next(row for row in found.proportions if row.label == "3")
    assert three.change.low > 0.2


def simple(n, seed=0, classes=2, shift=0.0, features=True):
    """Scores of a softmax, and normal features."""
    random = np.random.default_rng(seed)
    raised = np.exp(random.normal(size=(n, classes)) + shift * np.eye(classes)[0])
    scores = raised / raised.sum(axis=1, keepdims=True)
    return {"scores": scores, "features": random.normal(size=(n, 4)) if features else None}


def test_two_classes_ring_as_one_test_would():
    before = Reference(("no", "yes"), **simple(60, seed=1, features=False))
    found = judge(before, Sample(**simple(40, seed=2, shift=0.5, features=False)))
    assert [finding.adjusted for finding in found.findings] == [found.findings[0].p_value] * 2


def test_several_labels_each_with_its_probability_are_judged():
    random = np.random.default_rng(0)
    before = Reference(("sea", "sun", "dog"), random.beta(1, 3, size=(200, 3)), random.random(200) < 0.9)
    assert before.several
    calm = judge(before, Sample(random.beta(1, 3, size=(200, 3))))
    shifted = judge(before, Sample(random.beta([1, 1, 3], 3, size=(200, 3))))
    assert not calm.alarm
    assert [finding.name for finding in shifted.rang] == ["dog"]


def test_a_window_of_one_example_is_judged_and_says_that_it_cannot_ring():
    before = Reference(("a", "b"), **simple(30), correct=np.ones(30, bool))
    found = judge(before, Sample(**simple(1, seed=9, shift=50.0)))
    assert not found.alarm
    assert any("cannot ring" in note for note in found.notes)
    json.dumps(found.state(), allow_nan=False)
    assert not any("cannot ring" in note for note in judge(before, Sample(**simple(30, seed=9))).notes)


def test_scores_and_features_that_never_vary_do_not_ring():
    before = Reference(("a", "b"), np.full((40, 2), 0.5), np.ones(40, bool), np.ones((40, 3)))
    found = judge(before, Sample(np.full((30, 2), 0.5), np.ones((30, 3))))
    assert not found.alarm
    assert {finding.p_value for finding in found.findings} == {1.0}
    json.dumps(found.state(), allow_nan=False)


def test_one_input_sent_many_times_is_one_observation():
    before = Reference(("a", "b"), **simple(300))
    fresh, one = simple(60, seed=4), simple(1, seed=5)
    rows = {name: np.concatenate([fresh[name], np.repeat(one[name], 140, axis=0)]) for name in fresh}
    inputs = (*map(str, range(60)), *("again",) * 140)
    assert judge(before, Sample(**rows)).alarm
    found = judge(before, Sample(**rows, inputs=inputs))
    assert not found.alarm
    assert (found.n, found.repeated) == (61, 139)
    assert any(note.startswith("139 of 200 predictions") for note in found.notes)


def test_alpha_is_parted_between_what_can_be_tested():
    before = simple(200)
    sample = simple(200, seed=1)
    right = tuple([True] * 120 + [False] * 80)
    correct = np.arange(200) >= 20
    for features, known, labels, kinds in (
        (False, None, None, 1),
        (True, None, None, 2),
        (False, correct, right, 2),
        (True, correct, right, 3),
        # What is kept for labels that come later.
        (True, correct, None, 3),
    ):
        rows = sample if features else sample | {"features": None}
        found = judge(Reference(("a", "b"), **before, correct=known), Sample(**rows, correct=labels))
        assert len({finding.kind for finding in found.findings}) == kinds - (known is not None and not labels)
        assert all(finding.adjusted == min(1, kinds * finding.p_value) for finding in found.findings)
        assert found.alarm == (labels is not None)


def test_features_alone_can_ring_however_small_alpha_is():
    before = Reference(("a", "b"), **simple(80))
    sample = simple(60, seed=1)
    found = judge(before, Sample(sample["scores"], sample["features"] + 2), alpha=0.001)
    assert [finding.kind for finding in found.rang] == ["features"]


def test_labels_of_a_part_never_ring():
    right = tuple([False] * 100 + [None] * 100)
    before = Reference(("a", "b"), **simple(200), correct=np.ones(200, bool))
    found = judge(before, Sample(**simple(200, seed=1), correct=right))
    assert found.labelled.p_value < 1e-9
    assert not found.alarm


def test_the_same_arguments_give_the_same_judgement():
    before = Reference(("a", "b"), **simple(80), correct=np.arange(80) >= 8)
    sample = Sample(**simple(60, seed=3))
    assert judge(before, sample, seed=5).state() == judge(before, sample, seed=5).state()


def test_of_very_many_classes_those_that_matter_are_written_down():
    labels = tuple(f"species {number}" for number in range(300))
    before = Reference(labels, **simple(150, classes=300))
    found = judge(before, Sample(**simple(100, classes=300, seed=2, shift=4.0)))
    state = found.state()
    assert found.rang[0].name == "species 0"
    assert state["findings"][0]["name"] == "species 0"
    assert state["classes"] == 300
    named = [finding["name"] for finding in state["findings"]]
    assert len(named) == KEPT + 1
    assert "features" in named
    assert {row["label"] for row in state["proportions"]} == set(named) - {"features"}
    json.dumps(state, allow_nan=False)


def test_what_was_left_out_of_a_window_is_counted_and_said():
    before = Reference(("a", "b"), **simple(30))
    found = judge(before, Sample(**simple(30, seed=1), left_out=3))
    assert (found.n, found.left_out) == (30, 3)
    assert any(note.startswith("3 predictions left out") for note in found.notes)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1e-6, float("nan")])
def test_an_impossible_alpha_is_refused(alpha):
    with pytest.raises(RequestError, match=r"alpha is .* at least 0\.0001"):
        judge(Reference(("a", "b"), **simple(9)), Sample(**simple(9)), alpha=alpha)


def test_the_predictions_of_another_model_are_refused():
    before = Reference(("a", "b"), **simple(9))
    with pytest.raises(RequestError, match="3 classes, the reference 2"):
        judge(before, Sample(**simple(9, classes=3)))
    other = simple(9) | {"features": np.ones((9, 7))}
    with pytest.raises(RequestError, match="7 features, the reference 4"):
        judge(before, Sample(**other))


def test_small_references_and_missing_features_are_said():
    bare = Reference(("a", "b"), **simple(36, features=False))
    notes = " ".join(judge(bare, Sample(**simple(50, seed=1))).notes)
    assert "only 36 examples" in notes
    assert "The reference has no features" in notes
