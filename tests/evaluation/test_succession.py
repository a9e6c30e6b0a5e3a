"""What a challenger must show before it takes over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.evaluation.succession import Pair, Sheet, Verdict, verdict


def sheet(right: np.ndarray, sure: float | None = None) -> Sheet:
    return Sheet(right.astype(bool), np.full(len(right), right.mean() if sure is None else sure))


def pair(
    champion: np.ndarray,
    challenger: np.ndarray,
    labels: list[str] | None = None,
    sure: tuple[float | None, float | None] = (None, None),
) -> Pair:
    names = labels or ["ant", "bee"] * len(champion)
    return Pair(
        sheet(champion, sure[0]),
        sheet(challenger, sure[1]),
        [str(place) for place in range(len(champion))],
        [(name,) for name in names[: len(champion)]],
    )


def rights(count: int, wrong: range) -> np.ndarray:
    found = np.ones(count, dtype=bool)
    found[list(wrong)] = False
    return found


def failed(found: Verdict) -> list[str]:
    return [check.name for check in found.checks if not check.passed]


SAME = (10.0, 10.0)


@pytest.mark.parametrize(("count", "promoted"), [(12, False), (58, False), (59, True), (400, True)])
def test_that_nothing_is_lost_says_something_only_where_there_are_enough(count: int, promoted: bool) -> None:
    right = rights(count, range(2))
    found = verdict(pair(right, right), None, SAME)
    assert found.promoted is promoted
    assert ("no right answer became wrong" if promoted else "too few examples to show") in found.why


def test_a_challenger_five_points_worse_is_rarely_promoted_by_few_examples() -> None:
    random = np.random.default_rng(0)
    for count in (10, 20, 40, 60, 100):
        champions = random.random((400, count)) < 0.9
        challengers = champions & (random.random((400, count)) > 0.05 / 0.9)
        found = [
            verdict(pair(*both), None, SAME).checks[0].passed
            for both in zip(champions, challengers, strict=True)
        ]
        assert np.mean(found) < 0.08, count


def test_groups_count_and_not_their_members() -> None:
    right = rights(200, range(2))
    both = pair(right, right)
    together = replace(both, groups=[str(place // 10) for place in range(200)])
    assert verdict(both, None, SAME).promoted
    assert not verdict(together, None, SAME).promoted


def test_a_check_that_fails_afterwards_turns_the_verdict() -> None:
    right = rights(200, range(2))
    found = verdict(pair(right, right), None, SAME)
    other = found.but("champion", "Another one is champion.")
    assert found.promoted and not other.promoted
    assert other.why == "Another one is champion."


def test_a_clear_gain_is_promoted() -> None:
    assert verdict(pair(rights(400, range(60)), rights(400, range(20))), None, SAME).promoted


def test_a_loss_beyond_the_margin_is_refused() -> None:
    found = verdict(pair(rights(400, range(10)), rights(400, range(5, 25))), None, SAME)
    assert "test set" in failed(found)
    assert "worse by more than the margin of 1 point" in found.why


def test_what_too_few_examples_cannot_show_is_refused_and_said_so() -> None:
    found = verdict(pair(rights(60, range(4)), rights(60, range(2, 6))), None, SAME)
    assert failed(found) == ["test set"]
    assert "too few examples to show" in found.why
    wider = verdict(pair(rights(60, range(4)), rights(60, range(2, 6))), None, SAME, margin=0.2)
    assert wider.promoted


def test_better_recent_answers_help_where_the_test_set_is_even() -> None:
    even = pair(rights(60, range(4)), rights(60, range(2, 6)))
    recent = pair(rights(80, range(40)), rights(80, range(4)))
    assert verdict(even, recent, SAME).promoted
    few = pair(rights(19, range(10)), rights(19, range(1)))
    assert not verdict(even, few, SAME).promoted


def test_worse_recent_answers_are_refused() -> None:
    right = rights(200, range(4))
    found = verdict(pair(right, right), pair(rights(60, range(6)), rights(60, range(20))), SAME)
    assert "recent data" in failed(found)


def test_a_label_that_is_lost_is_named_although_the_whole_gains() -> None:
    labels = ["common"] * 400 + ["rare"] * 20
    before, after = rights(420, range(100)), rights(420, range(400, 412))
    found = verdict(pair(before, after, labels), None, SAME)
    assert failed(found) == ["labels"]
    assert "Of 'rare' it loses 12 right answers and wins 0." in found.why


def test_too_many_right_answers_that_turn_wrong_are_refused() -> None:
    found = verdict(pair(rights(400, range(100)), rights(400, range(100, 140))), None, SAME)
    assert "churn" in failed(found)


def test_one_right_answer_of_few_that_turns_wrong_is_no_churn() -> None:
    found = verdict(pair(rights(18, range(3)), rights(18, range(3, 4))), None, SAME, margin=1.0)
    assert found.promoted
    assert any("1 right answer of 18 became wrong: no more than the 5 %" in one.why for one in found.checks)


def test_a_challenger_that_is_sure_of_too_much_is_refused() -> None:
    right = rights(200, range(40))
    found = verdict(pair(right, right, sure=(0.8, 0.99)), None, SAME)
    assert failed(found) == ["calibration"]


@pytest.mark.parametrize(("after", "promoted"), [(11.0, True), (16.9, True), (30.0, False)])
def test_a_slow_challenger_is_refused(after: float, promoted: bool) -> None:
    right = rights(100, range(5))
    assert verdict(pair(right, right), None, (10.0, after)).promoted is promoted


def test_labels_are_not_called_worse_by_chance() -> None:
    random = np.random.default_rng(0)
    named = 0
    for _ in range(200):
        before, after = (random.random(200) < 0.8 for _ in range(2))
        labels = [f"label {place % 10}" for place in range(200)]
        found = verdict(pair(before, after, labels), None, SAME)
        named += "labels" in failed(found)
    assert named <= 20
