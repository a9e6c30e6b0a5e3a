"""Which charts a report has, with their titles and keys. Knows the run, not how a chart is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from headstart.evaluation.report import charts, words
from headstart.evaluation.report.charts import Line, Scale
from headstart.evaluation.report.content import Calibration
from headstart.evaluation.report.history import History
from headstart.evaluation.report.verdict import Verdict


@dataclass(frozen=True)
class Figure:
    """A chart; `keys` are (css class, name) of what is drawn."""

    title: str
    keys: Sequence[tuple[str, str]]
    chart: Markup


def score_bars(judged: Verdict) -> Figure:
    """The main metric of the model and its baselines."""
    name = words.title(judged.metric)
    keys = [("whisker", f"95{words.SPACE}% interval")]
    return Figure(name, keys, charts.bars(judged.intervals, metric=judged.metric))


def training_curves(trained: History, *, metric: str, probe: float) -> list[Figure]:
    """Loss, main metric and learning rate; none where nothing was trained step by step.

    Args:
        probe: what the linear probe reaches on validation data; NaN where that is not known.
    """
    loss = [
        Line("each step", "step", trained.loss),
        Line("training", "train", trained.train_loss),
        Line("validation", "val", trained.val_loss),
    ]
    metrics = [
        Line("training", "train", trained.train_metric),
        Line("validation", "val", trained.val_metric),
    ]
    rate = [Line("of the head", "train", [point for point in trained.lr if point[1] > 0])]
    of_metric = Scale(lambda value: words.tick(value, metric), reference=None if math.isnan(probe) else probe)
    drawn = [
        _curves("Loss", loss, Scale("{:.3g}".format, zero=True), trained),
        _curves(words.title(metric), metrics, of_metric, trained),
        _curves("Learning rate", rate, Scale(words.rate, log=True), trained),
    ]
    return [figure for figure in drawn if figure]


def calibration_chart(calibration: Calibration) -> Figure:
    """Reliability before and after the temperature."""
    keys = [("before", "as trained"), ("after", "after scaling"), ("reference", "ideal")]
    return Figure("Reliability", keys, charts.reliability(calibration))


def _curves(title: str, lines: Sequence[Line], scale: Scale, trained: History) -> Figure | None:
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    keys = [(line.css, line.name) for line in lines]
    if scale.reference is not None:
        keys.append(("reference", "linear probe"))
    if trained.best_step is not None and not scale.log:
        keys.append(("best", "best"))
    chart = charts.curves(lines, scale, trained, description=f"{title} over optimiser steps")
    return Figure(title, keys, chart)
