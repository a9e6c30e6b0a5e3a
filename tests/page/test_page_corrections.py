"""Telling the service, through the page, what is right."""

from collections import deque
from pathlib import Path

import pytest
from chromium import Tab
from standin import Reply, Service

RIGHT = ".correction button:nth-of-type(1)"
WRONG = ".correction button:nth-of-type(2)"


@pytest.fixture
def answered(show, flowers: Service, photo: Path) -> Tab:
    tab = show(flowers)
    tab.choose("#input input[type=file]", photo)
    tab.text(".correction")
    return tab


def _choose(tab: Tab, option: str) -> None:
    tab.evaluate(
        "{ const select = document.querySelector('.correction select');"
        f" select.value = [...select.options].find((one) => one.text === '{option}').value;"
        " select.dispatchEvent(new Event('change')); }"
    )


def test_right_sends_the_label_that_was_said(answered: Tab, flowers: Service):
    answered.click(RIGHT)
    assert answered.text(".noted") == "Noted: that was right. Thank you."
    assert flowers.told == [{"id": "20-ab", "label": "dahlia"}]


def test_wrong_offers_the_other_labels(answered: Tab, flowers: Service):
    answered.click(WRONG)
    options = answered.evaluate(
        "[...document.querySelector('.correction select').options].map((one) => one.text)"
    )
    assert options[0] == "Choose a label" and options[-1] == "Another label …"
    assert options[1:-1] == [label for label in flowers.model["labels"] if label != "dahlia"]
    _choose(answered, "rose")
    answered.click(".correction button.main")
    assert answered.text(".noted") == "Noted: it is rose. Thank you."
    assert flowers.told == [{"id": "20-ab", "label": "rose"}]


def test_a_label_that_the_model_does_not_know_is_typed_and_sent_as_new(answered: Tab, flowers: Service):
    answered.click(WRONG)
    _choose(answered, "Another label …")
    answered.type("cosmos")
    answered.press("Enter")
    assert answered.text(".noted") == "Noted: it is cosmos. Thank you."
    assert flowers.told == [{"id": "20-ab", "label": "cosmos", "new": True}]


def test_no_label_is_sent_before_one_is_chosen(answered: Tab, flowers: Service):
    answered.click(WRONG)
    answered.click(".correction button.main")
    assert answered.count(".noted") == 0
    assert flowers.told == []


def test_a_correction_may_be_changed(answered: Tab, flowers: Service):
    answered.click(RIGHT)
    answered.click(".correction .quiet")
    answered.click(WRONG)
    _choose(answered, "rose")
    answered.click(".correction button.main")
    answered.until("document.querySelector('.noted')?.innerText.includes('rose')")
    assert [one["label"] for one in flowers.told] == ["dahlia", "rose"]


def test_escape_goes_back(answered: Tab):
    answered.click(WRONG)
    answered.press("Escape")
    assert answered.evaluate("document.activeElement.innerText") == "Wrong"


def test_a_refused_correction_is_said_and_may_be_sent_again(answered: Tab, flowers: Service):
    flowers.instead["/feedback"] = deque([Reply(404, {"error": "There is no prediction 20-ab."})])
    answered.click(RIGHT)
    assert answered.text(".correction .problem") == "There is no prediction 20-ab."
    answered.click(RIGHT)
    assert answered.text(".noted")
    assert answered.count(".correction .problem") == 0


def test_several_labels_are_ticked(show, flowers: Service, photo: Path):
    flowers.model = {**flowers.model, "several": True}
    flowers.answers = [{**flowers.answers[0], "label": None, "score": None, "labels": ["dahlia", "rose"]}]
    tab = show(flowers)
    tab.choose("#input input[type=file]", photo)
    assert tab.text("h3.label") == "dahlia, rose"
    tab.click(WRONG)
    ticked = "[...document.querySelectorAll(':checked')].map((box) => box.nextSibling.innerText)"
    assert tab.evaluate(ticked) == ["dahlia", "rose"]
    for label in ("rose", "tulip"):
        place = flowers.model["labels"].index(label)
        tab.click(f".check:nth-of-type({place + 1}) input")
    tab.click(".correction button.main")
    assert tab.text(".noted") == "Noted: it is dahlia, tulip. Thank you."
    assert flowers.told == [{"id": "20-ab", "labels": ["dahlia", "tulip"]}]


def test_one_label_of_a_model_of_several_is_ticked_too(show, flowers: Service, photo: Path):
    flowers.model = {**flowers.model, "several": True}
    flowers.answers = [{**flowers.answers[0], "labels": ["dahlia"]}]
    tab = show(flowers)
    tab.choose("#input input[type=file]", photo)
    assert tab.text("h3.label small")
    tab.click(WRONG)
    assert tab.count(".check :checked") == 1
    tab.click(".check:nth-of-type(1) input")
    tab.click(".correction button.main")
    assert tab.text(".noted")
    assert flowers.told[0].keys() == {"id", "labels"}


@pytest.mark.parametrize(("consent", "word"), [(True, "are kept, with"), (False, "are not kept")])
def test_the_page_says_whether_inputs_are_kept(show, flowers: Service, consent: bool, word: str):
    flowers.model = {**flowers.model, "consent": consent}
    assert word in show(flowers).text("#consent")
