"""The page as a whole: what is on it, that it is safe, and that no run breaks it."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from html_page import Page

from headstart.data.dataset import Finding
from headstart.evaluation.report.content import Confusion, Mistake
from headstart.evaluation.report.page import render

HOSTILE = "<script>alert('1')</script>\"onload=\"x & <b>"
SECTIONS = ("scores", "advice", "training", "classes", "mistakes", "calibration", "data", "plan", "run")


def test_every_section_is_there_in_order_and_the_markup_is_well_formed(make_content):
    assert tuple(Page(render(make_content())).ids) == SECTIONS


def test_the_headline_says_score_interval_and_baselines_in_words(make_content):
    text = Page(render(make_content())).text
    assert re.search(r"\d\d\.\d % of 58 test images right", text)
    assert re.search(r"95 % interval \d+ to \d+ %; linear probe \d\d\.\d %; majority class \d\d\.\d %", text)


def test_the_page_loads_nothing_and_runs_nothing(make_content):
    source = render(make_content())
    page = Page(source)
    assert not re.search(r"(https?:)?//\w", re.sub(r"base64,[^\"]*", "", source))
    assert not {"script", "link", "iframe", "object", "embed", "a"} & set(page.tags)
    assert all(value.startswith("data:image/") for name, value in page.attributes if name == "src")
    assert "default-src 'none'" in source


def test_hostile_labels_ids_and_findings_stay_text(make_content):
    content = make_content((HOSTILE, "plain"), n=80, sharpness=1.0)
    content = dataclasses.replace(
        content,
        title=HOSTILE,
        advice=(HOSTILE, f"`{HOSTILE}`"),
        mistakes=(Mistake(HOSTILE, HOSTILE, HOSTILE, 0.9, 0.1),),
        findings=(Finding("error", "x", HOSTILE, table=((HOSTILE,), (HOSTILE,))),),
        plan=((HOSTILE, HOSTILE, HOSTILE),),
        phases=(dataclasses.replace(content.phases[0], name=HOSTILE),),
        events=[event | {"phase": HOSTILE, "text": HOSTILE} for event in content.events],
    )
    page = Page(render(content))
    assert not {"script", "b"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"events": (), "phases": ()},
        {"confusion": None, "per_class": ()},
        {"calibration": None},
        {"mistakes": (), "mistake_count": 0},
        {"findings": (), "advice": (), "plan": ()},
    ],
    ids=lambda change: "without " + ", ".join(change),
)
def test_a_part_that_a_run_lacks_leaves_the_rest_whole(make_content, change):
    page = Page(render(dataclasses.replace(make_content(), **change)))
    assert {"scores", "training", "mistakes", "data", "run"} <= set(page.ids)


def test_a_linear_probe_has_no_curves_and_says_why(make_content):
    text = Page(render(make_content(technique="linear-probe"))).text
    assert "There are no curves: linear-probe fits the head" in text
    assert "Learning rate" not in text


def test_no_mistakes_are_said_in_words(make_content):
    content = make_content(sharpness=4000)
    assert content.mistake_count == 0
    assert "every test example was right" in Page(render(content)).text


def test_without_a_test_set_nothing_is_claimed_of_one(make_content):
    content = make_content()
    result = {name: value for name, value in content.result.items() if name != "test"}
    result["data"] = {"train": 271, "val": 58, "test": 0, "fingerprint": "9f2c61d07be4"}
    text = Page(render(dataclasses.replace(content, result=result, mistakes=(), mistake_count=0))).text
    assert "of 58 validation images right" in text
    assert "There is no test set to find mistakes in." in text
    assert "every test example was right" not in text


def test_few_classes_are_shown_as_a_matrix_of_all_counts(make_content):
    content = make_content(("no", "yes"), n=200, sharpness=1.0)
    text = Page(render(content)).text
    assert "Confusion matrix" in text
    for true, counts in zip(content.confusion.labels, content.confusion.counts, strict=True):
        for predicted, count in zip(content.confusion.labels, counts, strict=True):
            assert f"{true} taken for {predicted}: {count}" in render(content)


def test_a_thousand_classes_are_shown_as_pairs_and_tables(make_content):
    labels = tuple(f"species {number}" for number in range(1000))
    counts = [[3 * (row == column) for column in range(1000)] for row in range(1000)]
    counts[7][8] = 5
    content = dataclasses.replace(make_content(), confusion=Confusion(labels, counts))
    source = render(content)
    text = Page(source).text
    assert "species 7 species 8 5 62 %" in text
    assert "Confusion matrix" not in text
    assert len(source) < 200_000


def test_many_weak_labels_come_first_and_the_rest_fold_away(make_content):
    content = make_content(tuple(f"label {number}" for number in range(30)), n=600)
    weakest = min(content.per_class, key=lambda row: row.f1)
    text = Page(render(content)).text
    table = text.split("Weakest labels first")[1]
    assert weakest.label in table[:120]
    assert "The other 5 labels" in table


def test_a_file_name_that_is_not_utf8_can_be_written(make_content):
    content = dataclasses.replace(make_content(), mistakes=(Mistake("caf\udce9.jpg", "a", "b", 0.9, 0.1),))
    render(content).encode("utf-8")


def test_a_picture_says_its_own_format(make_content):
    png = Mistake("a.png", "a", "b", 0.9, 0.1, picture=b"\x89PNG\r\n\x1a\n")
    jpeg = Mistake("a.jpg", "a", "b", 0.9, 0.1, picture=b"\xff\xd8\xff")
    source = render(dataclasses.replace(make_content(), mistakes=(png, jpeg)))
    assert "data:image/png;base64,iVBO" in source
    assert "data:image/jpeg;base64,/9j/" in source


def test_a_score_that_is_not_a_number_is_a_dash(make_content):
    content = make_content()
    unknown = {"value": None, "low": None, "high": None}
    baseline = content.result["baselines"]["majority"]
    for scores in (content.result["test"], content.result["val"], baseline["test"]):
        scores["metrics"]["auroc"] = unknown
    result = content.result | {"metric": "auroc"}
    source = render(dataclasses.replace(content, result=result))
    assert "AUROC \N{EN DASH} on 58 test images" in Page(source).text
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", source))
