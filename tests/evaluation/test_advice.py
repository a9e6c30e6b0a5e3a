import math
from dataclasses import replace

import pytest

from headstart.evaluation.advice import Evidence, advise
from headstart.evaluation.learning_curve import Doubling
from headstart.evaluation.scores import Interval
from headstart.evaluation.slices import Slice

FINE = Evidence(
    metric="accuracy",
    technique="two-phase",
    val=0.93,
    epochs=12,
    lr=1e-3,
    smallest=80,
    rarest="owl",
    train=0.97,
    probe=0.90,
    test=Interval(0.92, 0.89, 0.95),
    n_test=400,
    worst=("owl", 0.85, 90),
    ece=0.02,
)


def test_a_run_without_a_fault_needs_no_advice() -> None:
    assert advise(FINE) == []


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"smallest": 6}, "'owl' has only 6 training examples."),
        ({"smallest": 1}, "'owl' has only 1 training example."),
        ({"amounts": "255 labels are numbers."}, "255 labels are numbers."),
        ({"folds": 1, "planned_folds": 5, "n_val": 1}, "1 of 5 folds was trained: the time limit"),
        ({"folds": 1, "planned_folds": 5, "n_val": 1}, "only 1 validation example decided"),
        ({"folds": 2, "planned_folds": 5}, "2 of 5 folds were trained"),
        ({"out_of_time": True, "still_improving": True}, "--time-limit"),
        ({"still_improving": True}, "--epochs 24"),
        ({"train": 1.0, "val": 0.85, "probe": 0.8}, "--set augment.policy=strong"),
        ({"technique": "linear-probe", "train": None, "lr": None}, "--technique two-phase"),
        ({"probe": 0.95}, "--lr 0.0003"),
        ({"train": 0.71, "val": 0.70, "probe": 0.65}, "--model"),
        ({"start": 0.9, "reached": 0.35, "lr": 0.1}, "try --lr 0.01"),
        ({"suspects": 3, "learned_from": 400, "suspect": ("a.jpg", "owl", "crow")}, "3 of 400 labels look"),
        ({"suspects": 1, "learned_from": 400, "suspect": ("a.jpg", "owl", "crow")}, "1 of 400 labels looks"),
        ({"doubling": Doubling(0.03, 0.01)}, "by about 3.0 points (± 1.0)"),
        ({"worst": ("owl", 0.4, 90)}, "Look at its mistakes"),
        ({"worst": ("owl", 0.4, 90), "uneven": True}, "--set train.class_weights=balanced"),
        ({"ece": 0.2}, "--set data.val=0.25"),
        ({"test": Interval(0.92, 0.8, 0.99), "n_test": 40}, "--set data.test=0.3"),
    ],
)
def test_each_weakness_is_named_with_the_flag_that_acts_on_it(change: dict, flag: str) -> None:
    (sentence,) = advise(replace(FINE, **change))
    assert flag in sentence


def test_a_share_that_changes_nothing_is_not_advised() -> None:
    own = replace(FINE, own_splits=frozenset({"val", "test"}))
    (of_test,) = advise(replace(own, test=Interval(0.92, 0.8, 0.99), n_test=40))
    (of_val,) = advise(replace(own, ece=0.2))
    assert "--set" not in of_test + of_val
    assert "the data's own test split" in of_test


@pytest.mark.parametrize(("probe", "more"), [(0.95, "linear-probe"), (None, "")])
def test_of_training_that_had_no_time_for_a_step_that_alone_is_said(probe: float | None, more: str) -> None:
    short = {"out_of_time": True, "folds": 1, "planned_folds": 5, "lr": None, "train": None, "epochs": 0}
    (sentence,) = advise(replace(FINE, probe=probe, **short))
    assert sentence.startswith("No training step fitted into the time limit")
    assert "--time-limit" in sentence
    assert ("--technique" in sentence) is bool(more)


def test_that_amounts_were_learned_as_classes_is_said_first() -> None:
    said = advise(replace(FINE, amounts="Labels are numbers.", smallest=2, suspects=3, ece=0.2))
    assert said[0] == "Labels are numbers."


def test_of_texts_it_does_not_say_that_they_should_be_varied() -> None:
    (sentence,) = advise(replace(FINE, train=1.0, val=0.85, probe=0.8, varies=False))
    assert "augment" not in sentence and "Soften the targets" in sentence


def test_advice_does_not_contradict_itself() -> None:
    rash = {"start": 0.9, "reached": 0.35, "lr": 0.1, "probe": 0.95, "still_improving": True}
    (sentence,) = advise(replace(FINE, **rash))
    assert "too high" in sentence
    (sentence,) = advise(replace(FINE, val=1.0, train=1.0, probe=1.0, still_improving=True))
    assert "--technique linear-probe would have been enough" in sentence


def test_two_weaknesses_are_two_sentences() -> None:
    assert len(advise(replace(FINE, still_improving=True, ece=0.2))) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"worst": ("owl", 0.0, 2)},
        {"out_of_time": True},
        {"val": 1.0, "still_improving": True},
        {"doubling": Doubling(0.03, 0.03)},
        {"doubling": Doubling(0.03, math.nan)},
        {"ece": 0.3, "n_test": 20},
        {"test": None},
        {"test": Interval(1.0, None, None)},
        {"train": None, "lr": None, "probe": None},
        {"val": math.nan},
    ],
)
def test_too_little_evidence_is_no_advice(change: dict) -> None:
    assert advise(replace(FINE, **change)) == []


def test_of_an_error_less_is_better() -> None:
    loss = replace(FINE, metric="log_loss", lower_is_better=True, test=Interval(0.3, 0.2, 0.6))
    assert advise(replace(loss, train=0.25, val=0.3, probe=0.4)) == []
    (overfitted,) = advise(replace(loss, train=0.05, val=0.3, probe=0.4))
    assert "learns examples by heart" in overfitted
    (beaten,) = advise(replace(loss, train=0.25, val=0.3, probe=0.2))
    assert "did not beat the linear probe" in beaten


def test_a_label_that_means_nothing_is_named_once_and_not_as_the_worst_too() -> None:
    useless = replace(FINE, indistinct=("junk", 0.49, 56), worst=("junk", 0.1, 20))
    (sentence,) = advise(useless)
    assert "'junk'" in sentence
    assert "AUROC 0.49" in sentence


def test_the_weakest_slice_is_named_with_both_shares() -> None:
    (sentence,) = advise(replace(FINE, slice=Slice("site: south", 57, 0.33, 0.69, 1e-5)))
    assert "57 with 'site: south'" in sentence
    assert all(share in sentence.replace("\N{NO-BREAK SPACE}", " ") for share in ("33 %", "69 %"))
