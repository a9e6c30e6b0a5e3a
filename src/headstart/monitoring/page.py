"""watch.html: whether anything rang, when, how good the model is now, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment

from headstart.evaluation.report import words
from headstart.evaluation.report.environment import environment
from headstart.evaluation.scores import Interval
from headstart.monitoring import charts, sentences
from headstart.monitoring.alarm import OUTPUTS
from headstart.monitoring.history import Watched, WatchPage, moment

READABLE = 12
LISTED = 10


def render(page: WatchPage) -> str:
    """The page, one file that loads nothing; everything in it is escaped."""
    window = page.about or page.windows[-1]
    text = (
        _environment()
        .get_template("watch.html")
        .render(
            page=page,
            window=window,
            judged=window.judged,
            headline=sentences.headline(window),
            lead=sentences.lead(window),
            rang=sentences.rang(window),
            steps=sentences.next_steps(window, page.windows),
            so_far=sentences.so_far(page.windows),
            surprise=charts.surprise(page.windows),
            accuracy=charts.accuracy(page.windows),
            alarms=[one for one in reversed(page.windows) if one.alarm][:LISTED],
            classes=classes(window),
            others=[finding for finding in window.judged["findings"] if finding["kind"] != OUTPUTS],
            readable=READABLE,
            result={"versions": {"headstart": page.headstart}},
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def classes(window: Watched) -> list[dict[str, Any]]:
    """A row for each class that was written down, what is most surprising first."""
    shares = {row["label"]: row for row in window.judged["proportions"]}
    return [finding | shares[finding["name"]] for finding in map(dict, window.findings(OUTPUTS))]


def _interval(state: Mapping[str, float | None]) -> str:
    return words.interval(Interval.from_state(state), "accuracy")


def _signed(state: Mapping[str, float | None]) -> str:
    """A difference of shares in points, ``"-3 to +12"``."""
    if state["low"] is None or state["high"] is None:
        return ""
    low, high = (round(100 * end) for end in (state["low"], state["high"]))
    return f"{low:+d} to {high:+d}".replace("-", "\N{MINUS SIGN}")


@cache
def _environment() -> Environment:
    return environment(
        {
            "chance": sentences.chance,
            "headline": sentences.headline,
            "interval": _interval,
            "labelled_of": sentences.labelled_of,
            "moment": moment,
            "percent": words.percent,
            "signed": _signed,
        },
        "headstart.monitoring",
    )
