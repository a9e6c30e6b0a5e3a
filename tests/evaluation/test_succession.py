"""What a challenger must show before it takes over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.evaluation.succession import Evidence, Pair, Sheet, Verdict, verdict


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


NONE = pair(np.zeros(0), np.zeros(0), sure=(0, 0))


def judged(
    frozen: Pair,
    recent: Pair = NONE,
    former: Pair = NONE,
    *,
    milliseconds: tuple[float, float] = (10.0, 10.0),
    margin: float = 0.01,
) -> Verdict:
    return verdict(Evidence(frozen, recent, former), milliseconds, margin=margin)


def failed(found: Verdict) -> list[str]:
    return [check.name for check in found.checks if not check.passed]


@pytest.mark.parametrize(("count", "promoted"), [(12, False), (60, False), (61, True), (400, True)])
def test_that_nothing_is_lost_says_something_only_where_there_are_enough(count: int, promoted: bool) -> None:
    right = rights(count, range(2))
    found = judged(pair(right, right))
    assert found.promoted is promoted
    said = (
        "too few examples to show" if not promoted else "at most 5.0 % of" if count < 400 else "no worse by"
    )
    assert said in found.why


def test_a_challenger_five_points_worse_is_rarely_promoted_by_few_examples() -> None:
    random = np.random.default_rng(0)
    for count in (10, 20, 40, 60, 100):
        champions = random.random((400, count)) < 0.9
        challengers = champions & (random.random((400, count)) > 0.05 / 0.9)
        found = [judged(pair(*both)).checks[0].passed for both in zip(champions, challengers, strict=True)]
        assert np.mean(found) < 0.08, count


def test_groups_count_and_not_their_members() -> None:
    right = rights(200, range(2))
    both = pair(right, right)
    together = replace(both, groups=[str(place // 10) for place in range(200)])
    assert judged(both).promoted
    assert not judged(together).promoted


def test_a_large_group_that_is_lost_is_no_single_answer() -> None:
    before, after = rights(1000, range(500, 1000)), rights(1000, range(500))
    both = pair(before, after)
    together = replace(both, groups=["one patient" if place < 500 else str(place) for place in range(1000)])
    assert not judged(together).checks[0].passed
    # Nor are its copies so many losses.
    copies = pair(rights(110, range(104, 110)), rights(110, range(98, 104)))
    lost = replace(copies, groups=["one" if 98 <= place < 104 else str(place) for place in range(110)])
    assert "worse beyond chance" in judged(lost).checks[1].why and judged(lost).checks[1].passed


def test_a_narrow_margin_narrows_what_may_be_lost() -> None:
    right = rights(100, range(2))
    assert judged(pair(right, right)).promoted
    assert not judged(pair(right, right), margin=0.005).promoted


def test_a_check_that_fails_afterwards_turns_the_verdict() -> None:
    right = rights(200, range(2))
    found = judged(pair(right, right))
    other = found.but("champion", "Another one is champion.")
    assert found.promoted and not other.promoted
    assert other.why == "Another one is champion."


def test_a_clear_gain_is_promoted() -> None:
    assert judged(pair(rights(400, range(60)), rights(400, range(20)))).promoted


def test_a_loss_beyond_the_margin_is_refused() -> None:
    found = judged(pair(rights(400, range(10)), rights(400, range(5, 25))))
    assert failed(found) == ["no worse", "test set"]
    assert "worse by more than the margin of 1 point" in found.why
    assert "accuracy changes by -2.5 points (-4.7 to -0.3): worse beyond chance." in found.why


def test_what_too_few_examples_cannot_show_is_refused_and_said_so() -> None:
    found = judged(pair(rights(60, range(4)), rights(60, range(2, 6))))
    assert failed(found) == ["no worse"]
    assert "on 60 test examples, accuracy" in found.why.lower()
    assert "by more than 1 point (--margin 0.06 would do)." in found.why
    wider = judged(pair(rights(60, range(4)), rights(60, range(2, 6))), margin=0.2)
    assert wider.promoted


def test_better_recent_answers_help_where_the_test_set_is_even() -> None:
    even = pair(rights(60, range(4)), rights(60, range(2, 6)))
    assert not judged(even).promoted
    assert judged(even, pair(rights(80, range(40)), rights(80, range(4)))).promoted


def test_one_more_error_of_a_small_test_set_does_not_outweigh_a_clear_gain() -> None:
    found = judged(
        pair(rights(14, range(1)), rights(14, range(2))), pair(rights(60, range(10)), rights(60, range(2)))
    )
    assert found.promoted
    assert "On 14 test examples and 60 recent ones together" in found.why


def test_what_both_runs_held_out_counts() -> None:
    frozen, former = (pair(rights(count, range(3)), rights(count, range(3))) for count in (20, 60))
    former = replace(former, groups=[f"former {name}" for name in former.groups])
    assert not judged(frozen).promoted
    found = judged(frozen, former=former)
    assert found.promoted
    assert "On 20 test examples and 60 former ones together" in found.why


def test_corrections_alone_are_no_gain_of_a_model_that_merely_errs_elsewhere() -> None:
    random = np.random.default_rng(0)
    promoted = 0
    for _ in range(200):
        # Four points worse in truth; of a thousand answers, only what the champion had wrong comes back.
        champion, challenger = random.random(1000) < 0.9, random.random(1000) < 0.86
        sent = ~champion
        frozen = pair(random.random(100) < 0.9, random.random(100) < 0.86)
        found = judged(frozen, pair(champion[sent], challenger[sent]))
        promoted += found.checks[0].passed
        naive = judged(frozen, former=pair(champion[sent], challenger[sent]))
        assert naive.checks[0].passed
    assert promoted / 200 < 0.1


def test_worse_recent_answers_are_refused() -> None:
    right = rights(200, range(4))
    found = judged(pair(right, right), pair(rights(60, range(6)), rights(60, range(20))))
    assert "recent data" in failed(found)


def test_a_label_that_is_lost_is_named_although_the_whole_gains() -> None:
    labels = ["common"] * 400 + ["rare"] * 20
    before, after = rights(420, range(100)), rights(420, range(400, 412))
    found = judged(pair(before, after, labels))
    assert failed(found) == ["labels"]
    assert "Of 'rare' it loses 12 right answers and wins 0." in found.why


def test_too_many_right_answers_that_turn_wrong_are_refused() -> None:
    found = judged(pair(rights(400, range(100)), rights(400, range(100, 140))))
    assert "churn" in failed(found)


def test_one_right_answer_of_few_that_turns_wrong_is_no_churn() -> None:
    found = judged(pair(rights(18, range(3)), rights(18, range(3, 4))), margin=1.0)
    assert found.promoted
    assert any(
        "On the 18 test examples, 1 right answer became wrong: no more than the 5 %" in one.why
        for one in found.checks
    )


def test_a_challenger_that_is_sure_of_too_much_is_refused() -> None:
    right = rights(200, range(40))
    found = judged(pair(right, right, sure=(0.8, 0.99)))
    assert failed(found) == ["calibration"]
    # Twelve examples cannot show as much.
    few = rights(12, range(3))
    assert judged(pair(few, few, sure=(0.75, 0.85)), margin=1.0).promoted


@pytest.mark.parametrize(("after", "promoted"), [(11.0, True), (16.9, True), (30.0, False)])
def test_a_slow_challenger_is_refused(after: float, promoted: bool) -> None:
    right = rights(100, range(5))
    assert judged(pair(right, right), milliseconds=(10.0, after)).promoted is promoted


def test_labels_are_not_called_worse_by_chance() -> None:
    random = np.random.default_rng(0)
    named = 0
    for _ in range(200):
        before, after = (random.random(200) < 0.8 for _ in range(2))
        labels = [f"label {place % 10}" for place in range(200)]
        found = judged(pair(before, after, labels))
        named += "labels" in failed(found)
    assert named <= 20


def test_a_verdict_is_read_back_as_it_was_written() -> None:
    found = replace(judged(pair(rights(60, range(4)), rights(60, range(4)))), warnings=("Look at it.",))
    assert Verdict.from_state(found.state()) == found
