"""How a search went, as inline SVG: each trial, and which settings mattered. Colours are the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headstart.evaluation.report.charts import LEFT, RIGHT, WIDTH, Axis, Canvas
from headstart.evaluation.report.figures import Figure
from headstart.evaluation.report.words import metric_name, number, percent, tick, title

TOP, BOTTOM = 16, 212


def history(values: Sequence[tuple[int, float]], *, metric: str, lower_is_better: bool) -> Figure:
    """The metric of each complete trial, and of the best so far.

    Args:
        values: number and metric of the trials, in their order; at least one.
        metric: of validation data.
        lower_is_better: whether it is an error.
    """
    canvas = Canvas(250, f"{metric_name(metric)} of each trial")
    scores = [value for _, value in values]
    room = 0.1 * (max(scores) - min(scores)) or 0.05
    x = Axis(0, max(1, values[-1][0]), LEFT + 8, RIGHT - 4)
    y = Axis(min(scores) - room, max(scores) + room, BOTTOM, TOP)
    for value in y.ticks():
        canvas.line("grid", LEFT, y(value), RIGHT, y(value))
        canvas.add("text", "tick end", tick(value, metric), x=LEFT - 6, y=y(value) + 4)
    best = values[0][1]
    steps: list[tuple[float, float]] = []
    for trial, value in values:
        if steps:
            steps.append((x(trial), y(best)))
        best = min(best, value) if lower_is_better else max(best, value)
        steps.append((x(trial), y(best)))
    canvas.path("line val", steps)
    for trial, value in values:
        said = f"trial {trial}: {number(value, metric)}"
        canvas.add("circle", "dot train", title=said, cx=x(trial), cy=y(value), r=3.5)
    for place in x.ticks(4):
        if place == round(place):
            canvas.add("text", "tick middle", f"{place:.0f}", x=x(place), y=BOTTOM + 17)
    canvas.add("text", "axis middle", "trial", x=(LEFT + RIGHT) / 2, y=246)
    keys = [("train", "each trial"), ("val", "best so far")]
    return Figure(f"{title(metric)} on validation data", keys, canvas.markup())


def importances(shares: Mapping[str, float]) -> Figure:
    """How much of what differs between trials each setting explains, the most first."""
    row = 40
    canvas = Canvas(row * len(shares), "How much each setting mattered")
    x = Axis(0, max(shares.values()) or 1.0, 0, WIDTH)
    for place, (name, share) in enumerate(sorted(shares.items(), key=lambda pair: -pair[1])):
        y = row * place
        canvas.add("text", "name", name, x=0, y=y + 14)
        canvas.add("text", "name end", percent(share, 0), x=WIDTH, y=y + 14)
        canvas.add("rect", "band", x=0, y=y + 20, width=WIDTH, height=10)
        canvas.add("rect", "bar main", x=0, y=y + 20, width=x(share), height=10)
    return Figure("Share of the differences that a setting explains", (), canvas.markup())
