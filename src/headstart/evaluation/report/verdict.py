"""What the scores amount to, in sentences. Knows result.json, nothing of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headstart.errors import counted
from headstart.evaluation.report.words import SPACE, interval, noun, number, title
from headstart.evaluation.scores import Interval, Scores

MODEL = "this model"
WIDE = 0.1
SPLITS = {"test": "test", "val": "validation"}


@dataclass(frozen=True)
class Verdict:
    """The main metric of a run.

    Attributes:
        split: where it was measured: "test", or "val" where nothing was held out for testing.
        scores: by model, this one first, then its baselines.
    """

    task: str
    metric: str
    split: str
    scores: Mapping[str, Scores]

    @property
    def things(self) -> str:
        """``"58 test images"``."""
        return counted(self.scores[MODEL].n, f"{SPLITS[self.split]} {noun(self.task)}")

    @property
    def intervals(self) -> dict[str, Interval]:
        """The main metric by model, this one first."""
        return {
            name: scores.metrics[self.metric]
            for name, scores in self.scores.items()
            if self.metric in scores.metrics
        }

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        value = number(self.intervals[MODEL].value, self.metric)
        if self.metric == "accuracy":
            return f"{value} of {self.things} right"
        return f"{title(self.metric)} {value} on {self.things}"

    @property
    def comparison(self) -> str:
        """How sure that is, and what the baselines reach."""
        others = dict(self.intervals)
        span = interval(others.pop(MODEL), self.metric)
        parts = [f"95{SPACE}% interval {span}"] if span else []
        parts += [f"{name} {number(score.value, self.metric)}" for name, score in others.items()]
        return "; ".join(parts)


def verdict(result: Mapping[str, Any]) -> Verdict:
    """The verdict on a run: of its test scores, or of its validation scores where it has no others."""
    split = "test" if scores_on(result, "test") else "val"
    return Verdict(result["task"], result["metric"], split, scores_on(result, split))


def scores_on(result: Mapping[str, Any], split: str) -> dict[str, Scores]:
    """Scores of this model and its baselines on "test" or "val"; empty where the split is."""
    states: dict[str, Any] = {MODEL: result.get(split)}
    for name, baseline in result.get("baselines", {}).items():
        states[{"majority": "majority class"}.get(name, name.replace("_", " "))] = baseline.get(split)
    if not states[MODEL] or not states[MODEL]["n"]:
        return {}
    return {name: Scores.from_state(state) for name, state in states.items() if state}


def remarks(result: Mapping[str, Any], lower_is_better: frozenset[str]) -> list[str]:
    """What an honest reader should bear in mind about the headline, a sentence each."""
    judged = verdict(result)
    lower = judged.metric in lower_is_better
    baselines = judged.intervals
    model = baselines.pop(MODEL)
    if result["technique"] == "linear-probe":
        baselines.pop("linear probe", None)
    said = [
        untrained(result),
        _of_choice(result),
        _of_split(judged, scores_on(result, "val"), lower=lower),
        _of_width(judged, model),
    ]
    said += [_of_baseline(name, baseline, model, lower=lower) for name, baseline in baselines.items()]
    return [sentence for sentence in said if sentence]


def untrained(result: Mapping[str, Any]) -> str:
    """A warning of a model that neither training nor a probe has taught anything; "" of any other."""
    if result.get("returned") != "trained" or result["steps"] or "linear_probe" in result["baselines"]:
        return ""
    return "No step was trained: this model has learned nothing from the data. Give it more time."


def _of_choice(result: Mapping[str, Any]) -> str:
    """Where training was in vain."""
    if result.get("returned") != "probe" or not result["steps"]:
        return ""
    why = result["why_returned"]
    return f"Training did not beat the linear probe, so the probe is what this model is: {why}."


def _of_split(judged: Verdict, validation: Mapping[str, Scores], *, lower: bool) -> str:
    if judged.split == "val":
        return (
            "There is no test set. Validation data chose the weights, so this score flatters: "
            "measure the model on fresh examples before relying on it."
        )
    if MODEL not in validation or judged.metric not in validation[MODEL].metrics:
        return ""
    promised = validation[MODEL].metrics[judged.metric].value
    test = judged.intervals[MODEL]
    bound = test.low if lower else test.high
    if bound is None or not _better(promised, bound, lower=lower):
        return ""
    return (
        f"Validation data promised more ({number(promised, judged.metric)}). It chose the weights, "
        "so it flatters: believe the test score."
    )


def _of_width(judged: Verdict, model: Interval) -> str:
    if model.low is None or model.high is None or model.high - model.low <= WIDE:
        return ""
    width = model.high - model.low
    span = f"{100 * width:.0f} points" if judged.metric.endswith("accuracy") else f"{width:.2f}"
    return f"{judged.things} are few: the interval spans {span}. Smaller differences may be chance."


def _of_baseline(name: str, baseline: Interval, model: Interval, *, lower: bool) -> str:
    if baseline.value == model.value:
        return f"The {name} scores the same."
    if model.low is not None and model.high is not None and model.low <= baseline.value <= model.high:
        return f"The {name} scores within this model's interval: the difference may be chance."
    if _better(baseline.value, model.value, lower=lower):
        return f"The {name} beats this model. Use it instead, or train differently."
    return ""


def _better(one: float, other: float, *, lower: bool) -> bool:
    return one < other if lower else one > other
