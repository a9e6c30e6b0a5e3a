"""The page: what it says, that it is safe, and that no window breaks it."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

# The reader of pages is shared with the tests of the report.
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from html_page import Page

from headstart.monitoring.alarm import judge
from headstart.monitoring.history import Watched, WatchPage
from headstart.monitoring.page import READABLE, render
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample
from headstart.monitoring.sentences import chance, odds

HOSTILE = "<script>alert('1')</script>\"onload=\"x & <b>`"
DAY = 86_400.0


def rows(n, seed, *, classes=3, shift=0.0, features=True):
    random = np.random.default_rng(seed)
    raised = np.exp(random.normal(size=(n, classes)) + shift * np.eye(classes)[0])
    features = random.normal(shift, size=(n, 4)) if features else None
    return {"scores": raised / raised.sum(axis=1, keepdims=True), "features": features}


def watched(at, *, labels=("ant", "bee", "wasp"), n=80, reference=200, correct=None, known=True, **options):
    right = np.arange(reference) >= 20 if known else None
    options["classes"] = len(labels)
    before = Reference(labels, **rows(reference, 0, **options | {"shift": 0.0}), correct=right)
    sample = Sample(**rows(n, round(at) + 1, **options), correct=correct)
    state = json.loads(json.dumps(judge(before, sample).state(), allow_nan=False))
    return Watched(at * DAY + 60, (at - 1) * DAY, at * DAY, state)


def shown(*windows, **names):
    return render(WatchPage(**({"title": "insects", "model": "version 3", "windows": windows} | names)))


def test_a_calm_page_says_so_and_asks_for_labels():
    page = Page(shown(watched(20000), watched(20001)))
    assert page.ids == ["next", "history", "accuracy", "classes", "method"]
    assert "No change found in 80 predictions" in page.text
    assert "80 predictions from 2024-10-04 00:00 UTC to 2024-10-05 00:00 UTC" in page.text
    assert "0 of 2 windows rang" in page.text
    assert "Label the predictions that to_label.csv lists" in page.text
    assert "retrain" not in page.text


def test_an_alarm_says_what_rang_when_and_what_to_do():
    page = Page(shown(watched(20000), watched(20001, shift=2.0), watched(20002, shift=2.0)))
    assert page.ids[:2] == ["rang", "next"]
    assert "Answers and inputs have changed" in page.text
    assert "the scores of 'ant'" in page.text
    assert "2 of 3 windows rang" in page.text
    assert "2024-10-05 00:00 UTC Answers and inputs have changed 80" in page.text
    assert "headstart retrain SERVICE" in page.text
    assert "POST /models/rollback" in page.text


def test_an_alarm_of_answers_alone_points_at_proportions():
    window = watched(20000, features=False, shift=2.0)
    text = Page(shown(window)).text
    assert "Answers have changed" in text
    assert "Look at the proportions of the classes below" in text


def test_a_small_reference_that_rings_in_every_window_is_suspected():
    windows = [watched(20000 + day, reference=40, shift=3.0) for day in range(3)]
    assert "it may be the reference that is unusual. Hold out more" in Page(shown(*windows)).text
    assert "Hold out more" not in Page(shown(watched(19999, reference=40), *windows)).text


def unsure(n):
    """A window whose scores are lower than those of its reference."""
    before = Reference(("ant", "bee"), np.tile([[0.9, 0.1]], (200, 1)), correct=np.arange(200) >= 20)
    scores = np.tile([[0.55, 0.45]], (n, 1))
    state = json.loads(json.dumps(judge(before, Sample(scores)).state(), allow_nan=False))
    return Watched(DAY, 0.0, DAY, state)


def test_an_estimate_is_worth_a_word_where_the_window_is_large_enough_to_show_it():
    said = "believe the answers less"
    assert said in Page(shown(unsure(100))).text
    assert said not in Page(shown(unsure(2))).text
    window = unsure(100)
    estimated = window.judged["estimated_accuracy"]
    wide = {**estimated["by_thresholded_confidence"], "high": 0.95}
    judged = {**window.judged, "estimated_accuracy": {**estimated, "by_thresholded_confidence": wide}}
    assert said not in Page(shown(dataclasses.replace(window, judged=judged))).text


def test_accuracy_is_estimated_by_name_and_apart_from_that_of_labels():
    some = tuple([True] * 20 + [False] * 10 + [None] * 50)
    text = Page(shown(watched(20000, correct=some))).text
    assert "estimated, by thresholded confidence" in text
    assert "Estimated accuracy is an estimate." in text
    assert "a class that it was never taught" in text
    assert "from labels of 30 of 80 answers 66.7 %" in text
    assert "no fair sample" in text


def test_accuracy_of_all_labels_that_fell_rings():
    text = Page(shown(watched(20000, correct=tuple([True] * 40 + [False] * 40)))).text
    assert "Accuracy has fallen" in text
    assert "it is 40 points below that of the reference" in text
    assert "no fair sample" not in text


def test_a_window_that_rings_by_later_labels_is_what_the_page_is_about():
    rung = watched(20000, correct=tuple([True] * 40 + [False] * 40))
    page = Page(shown(rung, watched(20001), about=rung))
    assert "Accuracy has fallen" in page.text
    assert "by the labels of 80 of 80 answers" in page.text
    assert "1 of 2 windows rang" in page.text


def test_the_page_loads_nothing_and_runs_nothing():
    source = shown(watched(20000, shift=2.0))
    page = Page(source)
    assert not re.search(r"(https?:)?//\w", source)
    assert not {"script", "link", "iframe", "object", "embed", "a", "img"} & set(page.tags)
    assert "default-src 'none'" in source
    assert "prefers-color-scheme: dark" in source


def test_hostile_labels_and_names_stay_text():
    window = watched(20000, labels=(HOSTILE, "plain", "\ud800"), shift=2.0)
    page = Page(shown(window, title=HOSTILE, model=HOSTILE, headstart=HOSTILE))
    assert not {"script", "b"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE in page.text


@pytest.mark.parametrize(
    "options",
    [
        {"n": 1},
        {"known": False},
        {"features": False},
        {"labels": ("yes",)},
        {"labels": ("no", "yes")},
        {"n": 1, "reference": 1, "known": False, "features": False},
        {"n": 2, "correct": (True, False)},
        {"n": 1, "known": False, "correct": (True,)},
    ],
    ids=str,
)
def test_a_window_that_lacks_something_has_a_whole_page(options):
    page = Page(shown(watched(20000, **options)))
    assert {"history", "accuracy", "classes", "method"} <= set(page.ids)
    assert not re.search(r"\b(nan|inf|None)\b", page.text)


def test_many_classes_fold_away():
    labels = tuple(f"species {number}" for number in range(60))
    text = Page(shown(watched(20000, labels=labels))).text
    assert f"{50 - READABLE} other classes" in text
    assert "Of 60 classes, these are the most surprising." in text


def test_a_long_history_stays_readable():
    window = watched(20000)
    windows = [dataclasses.replace(window, last=day * DAY) for day in range(20000, 20400)]
    source = shown(*windows)
    assert "0 of 400 windows rang" in Page(source).text
    assert source.count("<circle") < 400
    assert len(source) < 120_000


def test_chances_are_said_as_exactly_as_matters():
    assert [odds(p) for p in (0.4, 0.05, 0.01, 0.0123, 1e-9)] == [
        "1 in 2.5",
        "1 in 20",
        "1 in 100",
        "1 in 81",
        "less than 1 in a million",
    ]
    assert [chance(p) for p in (1.0, 0.234, 0.0456, 0.00057, 1e-8)] == [
        "1.00",
        "0.23",
        "0.046",
        "0.0006",
        "<\N{NO-BREAK SPACE}0.0001",
    ]
