"""tune.html: how a search went, what its best trial is worth, and which settings mattered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment

from headstart.errors import counted
from headstart.evaluation.report import words
from headstart.evaluation.report.environment import environment
from headstart.evaluation.scores import Interval
from headstart.tuning import charts


@dataclass(frozen=True)
class StudyPage:
    """What the page says.

    Attributes:
        title: name of the study's folder.
        state: as tune.json has it.
        result: of the best trial, as its result.json has it.
    """

    title: str
    state: Mapping[str, Any]
    result: Mapping[str, Any]


def render(page: StudyPage) -> str:
    """The page, one file that loads nothing; everything in it is escaped."""
    state = page.state
    metric = state["metric"]
    complete = [(trial["number"], trial["value"]) for trial in state["trials"] if trial["value"] is not None]
    text = (
        _environment()
        .get_template("tune.html")
        .render(
            page=page,
            state=state,
            result=page.result,
            sentences=sentences(state),
            history=charts.history(complete, metric=metric, lower_is_better=state["lower_is_better"])
            if complete
            else None,
            importances=charts.importances(state["importances"]) if state["importances"] else None,
            test=page.result["test"]["metrics"].get(metric),
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def sentences(state: Mapping[str, Any]) -> list[str]:
    """What is to be thought of the best trial, in words."""
    found, metric = state["expected"], state["metric"]
    tested = _with_interval(state["test"], metric)
    on_test = f"On {counted(state['test']['n'], 'test example')}, what is returned has {tested}."
    if found is None:
        return ["No trial got to its end in time: what is returned is the usual fit, cut short.", on_test]
    complete = sum(trial["value"] is not None for trial in state["trials"])
    said = [
        f"The best of {counted(complete, 'trial')} has {words.number(found['seen'], metric)} "
        f"{words.metric_name(metric)} on the validation examples that chose it. Corrected for the choice, "
        f"{_with_interval(found, metric)} is to be expected."
    ]
    if not found["clear"]:
        said.append(
            f"{state['n_val']} validation examples do not tell it from {found['rivals']} of the others: the "
            "difference may be chance. More of them would (--set data.val=0.3, or label more); more trials "
            "would not."
        )
    if not state["settings"]:
        said.append("It is the usual fit: no other settings were better.")
    return [*said, on_test]


def _with_interval(score: Mapping[str, Any], metric: str) -> str:
    """Such as ``"93.3 % (95 % interval 84 to 97 %)"``."""
    found = Interval.from_state(score)
    span = words.interval(found, metric)
    return f"{words.number(found.value, metric)}{f' (95 % interval {span})' if span else ''}"


@cache
def _environment() -> Environment:
    return environment(
        {
            "duration": words.duration,
            "metric_name": words.metric_name,
            "number": words.number,
            "short": _short,
        },
        "headstart.tuning",
    )


def _short(value: Any) -> str:
    """A setting's value."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
