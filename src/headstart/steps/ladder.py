"""What each step from the majority to the returned model brought on validation data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from headstart.contracts import Validated
from headstart.steps.judge import Judged
from headstart.steps.learn import Learned

BASELINES = {"majority": "majority", "linear_probe": "linear probe"}


def best_metric(history: Sequence[Validated], *, lower_is_better: bool) -> float:
    """Of some validations, of which there is one at least."""
    return (min if lower_is_better else max)(validated.metric for validated in history)


def ladder(learned: Learned, judged: Judged, *, metric: str, lower_is_better: bool) -> list[dict[str, Any]]:
    """Rungs in the order in which they were climbed, each with its value of the metric.

    Args:
        learned: has the validations of every phase, and what lies between the probe and the last weights.
        judged: has the baselines.
        metric: by which weights were chosen.
        lower_is_better: whether that is an error.
    """

    def rungs() -> Iterator[tuple[str, float]]:
        for key, name in BASELINES.items():
            if key in judged.baselines:
                yield name, judged.baselines[key]["val"].metrics[metric].value
        history = learned.training.history if learned.training else ()
        for phase in dict.fromkeys(validated.phase for validated in history):
            own = [validated for validated in history if validated.phase == phase]
            yield phase, best_metric(own, lower_is_better=lower_is_better)
        for one in learned.tried[:1]:
            if one.share < 1:
                yield f"{100 * one.share:.0f} % of the way from the probe", one.metric

    return [{"rung": name, "metric": value} for name, value in rungs() if math.isfinite(value)]
