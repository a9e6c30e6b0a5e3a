"""What each step from the majority to the returned model brought on validation data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from headstart.contracts import Validated
from headstart.evaluation.report.words import way
from headstart.steps.judge import Judged
from headstart.steps.learn import Learned
from headstart.steps.network import Round

BASELINES = {"majority": "majority", "linear_probe": "linear probe"}


def best_metric(history: Sequence[Validated], *, lower_is_better: bool) -> float:
    """Of some validations, of which there is one at least."""
    return (min if lower_is_better else max)(validated.metric for validated in history)


def _of_phase(rounds: Sequence[Round], phase: str, *, lower_is_better: bool) -> float:
    """The best metric of a phase; of several folds the mean, by the examples that each held out."""
    total = count = 0.0
    for one in rounds:
        own = [validated for validated in one.training.history if validated.phase == phase]
        if own:
            total += len(one.held) * best_metric(own, lower_is_better=lower_is_better)
            count += len(one.held)
    return total / count


def ladder(learned: Learned, judged: Judged, *, metric: str, lower_is_better: bool) -> list[dict[str, Any]]:
    """Rungs in the order in which they were climbed, each with its value of the metric.

    Args:
        learned: has the validations of every phase, and what lies between the probe and the last weights.
        judged: has the baselines.
        metric: by which weights were chosen.
        lower_is_better: whether that is an error.
    """

    # Without a step, a validation is of the weights that training was to begin with.
    rounds = [one for one in learned.rounds if one.training.steps]

    def rungs() -> Iterator[tuple[str, float]]:
        for key, name in BASELINES.items():
            if key in judged.baselines:
                yield name, judged.baselines[key]["val"].metrics[metric].value
        for phase in dict.fromkeys(validated.phase for one in rounds for validated in one.training.history):
            yield phase, _of_phase(rounds, phase, lower_is_better=lower_is_better)
        for one in learned.tried[:1]:
            if one.share < 1:
                yield f"{way(one.share)} from the probe to the trained network", one.metric

    return [{"rung": name, "metric": value} for name, value in rungs() if math.isfinite(value)]
