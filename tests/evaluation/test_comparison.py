"""Two models on the same examples: laws of the difference, the churn and the verdict."""

import math

import numpy as np
import pytest

from headstart.evaluation.answers import Answers
from headstart.evaluation.comparison import Comparison, by_class, churn, differences
from headstart.evaluation.intervals import paired, score


def answers(truth: list[int], chosen: list[int], labels: tuple[str, ...] = ("cat", "dog", "owl")) -> Answers:
    eye = np.eye(len(labels), dtype=bool)
    return Answers(labels, eye[truth], eye[chosen], eye[chosen].astype(float), multi_label=False)


def accuracy(right: np.ndarray):
    return lambda weights: weights @ right / weights.sum(axis=1)


def compared(one: np.ndarray, other: np.ndarray, groups: list[str] | None = None) -> Comparison:
    names = groups or [str(place) for place in range(len(one))]
    found = differences({"accuracy": accuracy(one)}, {"accuracy": accuracy(other)}, names)
    return Comparison(len(one), "accuracy", False, found)


def rights(count: int, share: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(count) < share).astype(float)


def test_a_clear_difference_is_named_and_its_sign_says_which() -> None:
    bad, good = rights(400, 0.6, 0), rights(400, 0.9, 1)
    assert compared(bad, good).better == "second"
    assert compared(good, bad).better == "first"
    assert compared(bad, good).verdict.startswith("The second is better: accuracy 0.")


def test_of_an_error_less_is_better() -> None:
    bad, good = rights(400, 0.9, 0), rights(400, 0.6, 1)
    found = differences(
        {"log_loss": accuracy(bad)}, {"log_loss": accuracy(good)}, [str(place) for place in range(400)]
    )
    assert Comparison(400, "log_loss", True, found).better == "second"


def test_a_small_difference_is_not_decided_and_says_how_large_it_may_be() -> None:
    one = rights(200, 0.8, 0)
    other = one.copy()
    other[:2] = 1 - other[:2]
    found = compared(one, other)
    assert found.better == ""
    gap = found.metrics["accuracy"].difference
    assert gap.low <= gap.value <= gap.high
    assert f"as large as {max(abs(gap.low), abs(gap.high)):.4f}" in found.verdict


def test_what_is_hard_for_both_cancels_out() -> None:
    one = rights(300, 0.7, 0)
    other = one.copy()
    other[np.flatnonzero(one == 0)[:9]] = 1
    gap = compared(one, other).metrics["accuracy"].difference
    names = [str(place) for place in range(300)]
    alone = [score({"accuracy": accuracy(x)}, n=300, groups=names).metrics["accuracy"] for x in (one, other)]
    assert alone[0].high > alone[1].low  # the intervals overlap,
    assert gap.low > 0  # and the difference is sure.
    assert gap.high - gap.low < min(x.high - x.low for x in alone)


def test_members_of_one_group_are_one_piece_of_evidence() -> None:
    one, other = np.repeat(rights(30, 0.5, 0), 10), np.repeat(rights(30, 0.7, 1), 10)
    loose = compared(one, other).metrics["accuracy"].difference
    groups = [str(place // 10) for place in range(300)]
    grouped = compared(one, other, groups).metrics["accuracy"].difference
    assert grouped.high - grouped.low > 2 * (loose.high - loose.low)


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says() -> None:
    draws = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        one, other = (draws.random((2, 150)) < [[0.7], [0.75]]).astype(float)
        gap = paired(accuracy(other), accuracy(one), groups=[str(n) for n in range(150)], replicates=300)
        hits += gap.low <= 0.05 <= gap.high
    assert 0.9 <= hits / 200 <= 0.99


@pytest.mark.parametrize("count", [1, 5])
def test_equal_models_have_no_interval_and_say_the_same(count: int) -> None:
    one = rights(count, 0.5, 0)
    found = compared(one, one)
    assert found.metrics["accuracy"].difference.low is None
    same = answers([0] * count, [1] * count)
    told = Comparison(count, "accuracy", False, found.metrics, churn(same, same))
    assert told.verdict == f"Both give the same answers to all {count} examples."
    assert told.state()["better"] is None


def test_churn_counts_every_example_once_and_mcnemar_asks_for_the_differing_ones() -> None:
    truth = [0, 0, 0, 1, 1, 2, 2, 2]
    one = answers(truth, [0, 0, 1, 1, 0, 2, 0, 0])
    other = answers(truth, [0, 1, 0, 1, 2, 2, 2, 0])
    found = churn(one, other)
    assert (found.both, found.first, found.second, found.neither) == (3, 1, 2, 2)
    assert found.changed == 4
    assert found.p_value == 1.0  # one against two
    told = churn(answers([0] * 10, [1] * 10), answers([0] * 10, [0] * 10))
    assert math.isclose(told.p_value, 2 * 0.5**10)


def test_every_label_has_its_row_whatever_the_order_of_the_second_models_labels() -> None:
    truth, said = [0, 0, 1, 2], [0, 1, 1, 2]
    one = answers(truth, said)
    turned = answers([2, 2, 1, 0], [2, 2, 1, 1], labels=("owl", "dog", "cat"))
    rows = by_class(one, turned.in_order_of(one.labels))
    assert [(row.label, row.support, row.first, row.second, row.changed) for row in rows] == [
        ("cat", 2, 0.5, 1.0, 1),
        ("dog", 1, 1.0, 1.0, 0),
        ("owl", 1, 1.0, 0.0, 1),
    ]
