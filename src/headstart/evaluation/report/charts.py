"""Charts as inline SVG. Knows numbers and labels; colours and fonts are the page's (page.css).

Elements are made with ElementTree, which escapes every text and attribute.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from headstart.evaluation.report.content import Bin, Calibration
from headstart.evaluation.report.history import History, Point, Stretch
from headstart.evaluation.report.words import metric_name, number, percent, tick
from headstart.evaluation.scores import Interval

# Narrow, so that text stays readable where a phone shrinks the whole.
WIDTH = 420
LEFT, RIGHT = 48, 408
LETTER = 6.5
DOTS = 300

Format = Callable[[float], str]


@dataclass(frozen=True)
class Axis:
    """A map from values to pixels, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(max(value, low)), math.log10(low), math.log10(high)
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values within the axis."""
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = _round_step((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True)
class Line:
    """A curve; `css` is the class that gives its colour."""

    name: str
    css: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Scale:
    """How values are shown.

    Attributes:
        form: a value as the axis says it.
        zero: whether the axis begins at zero.
        log: whether it is logarithmic; values must be positive.
        reference: a level to compare with, as a dashed line.
    """

    form: Format
    zero: bool = False
    log: bool = False
    reference: float | None = None


class Canvas:
    """An SVG drawing of fixed width."""

    def __init__(self, height: int, description: str) -> None:
        self.root = Element("svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
        self.root.set("aria-label", description)

    def add(self, tag: str, css: str, text: str = "", *, title: str = "", **attributes: float | str) -> None:
        """Add an element; `title` shows when the pointer rests on it."""
        element = SubElement(self.root, tag, {"class": css})
        for name, value in attributes.items():
            element.set(name, str(value))
        element.text = text
        if title:
            SubElement(element, "title").text = title

    def line(self, css: str, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight line."""
        self.add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, css: str, points: Sequence[Point]) -> None:
        """A line through points, given in pixels."""
        self.add("polyline", css, points=" ".join(f"{x},{y}" for x, y in points))

    def markup(self) -> Markup:
        """The drawing, for a template."""
        return Markup(tostring(self.root, encoding="unicode"))


def curves(lines: Sequence[Line], scale: Scale, trained: History, *, description: str) -> Markup:
    """Curves over optimiser steps, phases shaded and named, the best step marked.

    Args:
        lines: at least one point in all; later lines are drawn on top.
    """
    height, top, bottom = 250, 26, 212
    canvas = Canvas(height, description)
    points = [point for line in lines for point in line.points]
    last = max([step for step, _ in points] + [stretch.end for stretch in trained.stretches])
    x = Axis(0, max(last, 1), LEFT, RIGHT)
    y = _axis_of([value for _, value in points], scale, bottom, top)
    _bands(canvas, trained.stretches, x, top, bottom)
    _grid(canvas, y, scale.form)
    for step in x.ticks(4):
        if step == round(step):
            canvas.add("text", "tick middle", f"{step:.0f}", x=x(step), y=bottom + 17)
    canvas.add("text", "axis middle", "optimiser steps", x=(LEFT + RIGHT) / 2, y=height - 4)
    if scale.reference is not None:
        canvas.line("reference", LEFT, y(scale.reference), RIGHT, y(scale.reference))
    if trained.best_step is not None:
        canvas.line("best", x(trained.best_step), top, x(trained.best_step), bottom)
    for line in lines:
        _trace(canvas, line, x, y)
    return canvas.markup()


def bars(scores: Mapping[str, Interval], *, metric: str) -> Markup:
    """A bar for each score with its interval as a whisker; the first is the one that matters."""
    row = 46
    bottom = row * len(scores)
    canvas = Canvas(bottom + 18, f"{metric_name(metric)} beside the baselines")
    ends = [end for score in scores.values() for end in (score.value, score.high) if _is_number(end)]
    x = Axis(0, max([1.0, *ends]), 0, WIDTH)
    for index, (name, score) in enumerate(scores.items()):
        y = row * index
        weight = "" if index else " main"
        canvas.add("text", f"name{weight}", name, x=0, y=y + 14)
        canvas.add("text", f"name end{weight}", number(score.value, metric), x=WIDTH, y=y + 14)
        canvas.add("rect", "band", x=0, y=y + 22, width=WIDTH, height=12)
        if _is_number(score.value):
            canvas.add("rect", f"bar{weight}", x=0, y=y + 22, width=x(score.value), height=12)
        if score.low is not None and score.high is not None:
            canvas.line("whisker", x(score.low), y + 28, x(score.high), y + 28)
            for end in (score.low, score.high):
                canvas.line("whisker", x(end), y + 23, x(end), y + 33)
    for value in x.ticks(4):
        side = "middle" if 0 < x(value) < WIDTH else "end" if value else ""
        canvas.add("text", f"tick {side}", tick(value, metric), x=x(value), y=bottom + 10)
    return canvas.markup()


def reliability(calibration: Calibration) -> Markup:
    """Accuracy against confidence before and after scaling, and how many predictions are how confident."""
    canvas = Canvas(350, "Share that is right against confidence")
    x = Axis(0, 1, LEFT, RIGHT)
    y = Axis(0, 1, 230, 10)
    _grid(canvas, y, lambda share: percent(share, 0))
    canvas.line("reference", x(0), y(0), x(1), y(1))
    tallest = max([one.count for one in calibration.after] + [1])
    for css, bins in (("before", calibration.before), ("after", calibration.after)):
        filled = [one for one in bins if one.count]
        points = [(x(one.confidence), y(one.accuracy)) for one in filled]
        canvas.path(f"line {css}", points)
        for one, (across, down) in zip(filled, points, strict=True):
            radius = 2 + 5 * math.sqrt(one.count / tallest)
            canvas.add("circle", f"dot {css}", cx=across, cy=down, r=round(radius, 1))
    canvas.add("text", "axis", "share that is right", x=LEFT + 6, y=22)
    count = Axis(0, tallest, 306, 252)
    for one in calibration.after:
        canvas.add(
            "rect",
            "histogram",
            title=f"{percent(one.low, 0)} to {percent(one.high, 0)}: {one.count}",
            x=x(one.low) + 1,
            y=count(one.count),
            width=round(x(one.high) - x(one.low) - 2, 1),
            height=round(306 - count(one.count), 1),
        )
    canvas.line("base", LEFT, 306, RIGHT, 306)
    canvas.add("text", "tick end", str(tallest), x=LEFT - 6, y=258)
    for share in x.ticks(4):
        canvas.add("text", "tick middle", percent(share, 0), x=x(share), y=322)
    canvas.add("text", "axis middle", "confidence", x=(LEFT + RIGHT) / 2, y=343)
    return canvas.markup()


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean gap between confidence and accuracy (expected calibration error, Naeini et al., 2015)."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / max(total, 1)


def _bands(canvas: Canvas, stretches: Sequence[Stretch], x: Axis, top: float, bottom: float) -> None:
    for index, stretch in enumerate(stretches):
        start, width = x(stretch.start), round(x(stretch.end) - x(stretch.start), 1)
        canvas.add(
            "rect",
            "band odd" if index % 2 else "band",
            title=stretch.phase,
            x=start,
            y=top,
            width=width,
            height=bottom - top,
        )
        label = stretch.phase if LETTER * len(stretch.phase) < width else str(index + 1)
        canvas.add("text", "tick middle", label, x=start + width / 2, y=16)


def _grid(canvas: Canvas, y: Axis, form: Format) -> None:
    for value in y.ticks():
        canvas.line("grid", LEFT, y(value), RIGHT, y(value))
        canvas.add("text", "tick end", form(value), x=LEFT - 6, y=y(value) + 4)


def _trace(canvas: Canvas, line: Line, x: Axis, y: Axis) -> None:
    points = [(x(step), y(value)) for step, value in _thin(line.points)]
    canvas.path(f"line {line.css}", points)
    if len(line.points) <= 40:
        for across, down in points:
            canvas.add("circle", f"dot {line.css}", cx=across, cy=down, r=2.5)


def _thin(points: Sequence[Point]) -> list[Point]:
    """At most `DOTS` points: means of neighbours."""
    size = math.ceil(len(points) / DOTS)
    chunks = [points[start : start + size] for start in range(0, len(points), max(size, 1))]
    return [
        (sum(step for step, _ in chunk) / len(chunk), sum(value for _, value in chunk) / len(chunk))
        for chunk in chunks
    ]


def _axis_of(values: list[float], scale: Scale, start: float, end: float) -> Axis:
    if scale.log:
        # A cosine ends at zero: three decades show all that matters.
        high = math.ceil(math.log10(max(values)))
        low = min(max(math.floor(math.log10(min(values))), high - 3), high - 1)
        return Axis(10.0**low, 10.0**high, start, end, log=True)
    values = values + [level for level in (scale.reference, 0.0 if scale.zero else None) if level is not None]
    least, most = min(values), max(values)
    step = _round_step(((most - least) or abs(most) or 1.0) / 4)
    least, most = math.floor(least / step) * step, math.ceil(most / step) * step
    return Axis(least, most if most > least else least + step, start, end)


def _round_step(size: float) -> float:
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= size * 0.999)


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
