"""What the page tells of a model, to whom, and that nothing of it can harm the reader."""

from collections import deque
from pathlib import Path

import pytest
from chromium import Tab
from standin import Reply, Service

from headstart.service.openapi import document
from headstart.service.options import ServiceOptions
from headstart.service.pages import POLICY, listed

CHOOSE = "#input input[type=file]"
HOSTILE = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
CARD = """---
licence: mit
---
# Flowers

A **small** model, *tried* with `code` and ![a picture](https://elsewhere.example/a.png).

| metric | value |
|---|---|
| accuracy | 90 \\| 91 |

1. one
2. two
   goes on

- item

> said

```python
# no heading
```
"""
# Of every text that is seen: contrast with what lies behind it (WCAG 2.2, 1.4.3), the worst first.
CONTRAST = """(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((value, i) => a * value + (1 - a) * under[i]);
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const colour = channels(getComputedStyle(element).backgroundColor);
    return (colour[3] ?? 1) === 1 ? colour : over(colour, behind(element.parentElement));
  };
  const light = (colour) => colour
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || getComputedStyle(element).opacity !== "1") continue;
    const back = behind(element);
    const front = over(channels(getComputedStyle(element).color), back);
    const [high, low] = [light(front), light(back)].sort((one, other) => other - one);
    found.push([(high + 0.05) / (low + 0.05), element.outerHTML.slice(0, 80)]);
  }
  return found.sort((one, other) => one[0] - other[0]);
})()"""


def _answered(tab: Tab, photo: Path) -> Tab:
    tab.choose(CHOOSE, photo)
    tab.text(".correction")
    return tab


def test_scores_labels_and_versions_are_listed(show, flowers: Service):
    flowers.versions = [
        {"version": 1, "path": "first", "aliases": [], "added": 1.7e9, "note": ""},
        {"version": 3, "path": "second", "aliases": ["champion"], "added": 1.7e9, "note": "more data"},
    ]
    tab = show(flowers)
    assert tab.text(".scores").split("\t")[:2] == ["Accuracy", "90.0\u00a0%"]
    assert "85.0\u00a0% to 94.0\u00a0%" in tab.text(".scores")
    assert tab.text("#labels-body").split() == flowers.model["labels"]
    rows = tab.evaluate("[...document.querySelectorAll('.versions tbody tr')].map((row) => row.innerText)")
    assert rows[0].startswith("3 champion") and "more data" in rows[0] and "2023" in rows[0]
    assert rows[1].startswith("1")
    assert tab.count(".versions .current") == 1


def test_of_many_versions_the_latest_are_listed_and_those_that_are_named(show, flowers: Service):
    flowers.versions = [
        {"version": number, "path": "a", "aliases": ["champion"] * (number == 3), "added": 1.7e9, "note": ""}
        for number in range(1, 31)
    ]
    tab = show(flowers)
    assert tab.count(".versions tbody tr") == 11
    assert tab.text(".versions tbody tr:last-child").startswith("3 champion")
    tab.click("#versions-body button")
    assert tab.count(".versions tbody tr") == 30


def test_a_model_without_scores_says_so(show, flowers: Service):
    flowers.model = {**flowers.model, "test": None}
    assert show(flowers).text("#scores-body") == "This model came without test scores."


def test_the_card_is_read_as_markdown(show, flowers: Service):
    flowers.model = {**flowers.model, "card": CARD}
    tab = show(flowers)
    kinds = tab.evaluate("[...document.querySelector('.card').children].map((one) => one.tagName)")
    assert kinds == ["H3", "P", "DIV", "OL", "UL", "BLOCKQUOTE", "PRE"]
    assert tab.text(".card p") == "A small model, tried with code and a picture."
    assert [tab.text(f".card p {tag}") for tag in ("strong", "em", "code")] == ["small", "tried", "code"]
    assert tab.text(".card tbody").split("\t") == ["accuracy", "90 | 91"]
    assert tab.text(".card ol li:last-child") == "two goes on"
    assert tab.text(".card pre") == "# no heading"
    assert "licence" not in tab.text(".card")


def test_hostile_texts_stay_texts(show, flowers: Service, photo: Path):
    flowers.model = {
        **flowers.model,
        "name": HOSTILE,
        "labels": [HOSTILE, "rose"],
        "licence": HOSTILE,
        "test": {HOSTILE: {"value": 0.5}},
        "card": f"# {HOSTILE}\n\n{HOSTILE}\n\n| {HOSTILE} |\n|---|\n| {HOSTILE} |\n\n[a](javascript:take())",
    }
    flowers.versions = [
        {"version": HOSTILE, "path": HOSTILE, "aliases": [HOSTILE], "added": HOSTILE, "note": HOSTILE}
    ]
    flowers.answers = [{**flowers.answers[0], "label": HOSTILE, "scores": {HOSTILE: 0.9, "rose": 0.1}}]
    tab = _answered(show(flowers), photo)
    assert HOSTILE in tab.text("h3.label")
    assert HOSTILE in tab.text(".card h3")
    tab.click(".correction button:nth-of-type(1)")
    assert tab.text(".noted")
    assert tab.evaluate("document.title") == f"{HOSTILE} · headstart"
    assert tab.count("img") == 1 and tab.count("body script") == 0 and tab.count(".card a") == 0
    assert tab.complaints() == []


def test_nothing_is_asked_of_any_other_origin(show, flowers: Service, photo: Path):
    flowers.model = {**flowers.model, "card": CARD}
    tab = _answered(show(flowers), photo)
    origin = tab.evaluate("location.origin + '/'")
    asked = tab.requested()
    assert {"", "page.js", "page.css", "model", "predict"} <= {url.removeprefix(origin) for url in asked}
    assert [url for url in asked if not url.startswith(origin)] == []
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [360, 390, 820, 1600])
def test_no_width_needs_scrolling_sideways(show, flowers: Service, photo: Path, width: int):
    long = "an" * 120
    flowers.model = {
        **flowers.model,
        "labels": [long, "rose"],
        "card": f"{CARD}\n`{long}`\n\n{long}",
        "name": long,
    }
    flowers.versions = [{"version": 3, "path": long, "aliases": ["champion"], "added": 1.7e9, "note": long}]
    flowers.answers = [{**flowers.answers[0], "label": long, "scores": {long: 0.9, "rose": 0.1}}]
    tab = _answered(show(flowers, width=width, phone=width < 800), photo)
    tab.click(".correction button:nth-of-type(2)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["flowers", "an" * 120])
def test_the_list_of_addresses_fits_a_phone(show, flowers: Service, name: str):
    page = listed(document(ServiceOptions(name=name, token="s3cret")))
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
    flowers.instead["/docs"] = deque([Reply(200, page.encode(), headers)])
    tab = show(flowers)
    tab.open(tab.evaluate("location.origin + '/docs'"), width=360, phone=True)
    assert tab.count("li") > 20
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out_from_its_ground(show, flowers: Service, photo: Path, dark: bool):
    flowers.model = {**flowers.model, "card": CARD}
    flowers.versions = [
        {"version": 3, "path": "a", "aliases": ["champion", "challenger"], "added": 1.7e9, "note": "b"}
    ]
    tab = _answered(show(flowers, dark=dark), photo)
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 31)") == dark
    for act in (".correction button:nth-of-type(2)", ".correction button:nth-of-type(2)", None):
        worst = tab.evaluate(CONTRAST)
        assert len(worst) > 40
        assert worst[0][0] >= 4.5, worst[:3]
        if act:
            tab.click(act)


def test_all_that_is_operated_has_a_name_and_can_be_reached(show, flowers: Service, photo: Path):
    tab = _answered(show(flowers), photo)
    tab.click(".correction button:nth-of-type(2)")
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    operated = [
        node
        for node in nodes
        if node.get("role", {}).get("value") in {"button", "combobox", "textbox", "link"}
    ]
    names = [node["name"]["value"] for node in operated]
    assert {"Choose photos", "Clear all answers", "It is", "Send", "Back"} <= set(names)
    assert all(names)
    tab.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(2 * len(operated)):
        tab.press("Tab")
        reached.add(
            tab.evaluate("document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText")
        )
    assert set(names) <= reached


def test_what_has_the_focus_is_seen_to(show, flowers: Service):
    tab = show(flowers)
    tab.press("Tab")
    assert tab.evaluate("document.activeElement.type") == "file"
    assert tab.evaluate("getComputedStyle(document.querySelector('.chooser label')).outlineStyle") == "solid"


def test_nothing_moves_for_who_wants_calm(show, flowers: Service, photo: Path):
    tab = _answered(show(flowers, calm=True), photo)
    assert tab.evaluate("document.getAnimations().length") == 0
