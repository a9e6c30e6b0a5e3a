"""A bar with the time left, on a terminal; plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from headstart.contracts import Event, Observer, PhaseEnded, Progress, StepDone, Validated
from headstart.training.observers import Lines, describe

SMOOTHING = 0.9


def watch_on(stream: TextIO, metric: str) -> Observer:
    """What suits a stream: a bar on a terminal, lines elsewhere.

    Args:
        stream: standard error, as a rule.
        metric: name of the main metric.
    """
    return ProgressBar(stream, metric) if stream.isatty() else Lines(stream, metric)


class ProgressBar:
    """One bar at a time, for a phase or for other long work; what there is to say scrolls above it.

    Args:
        stream: a terminal.
        metric: name of the main metric.
    """

    def __init__(self, stream: TextIO, metric: str) -> None:
        self._metric = metric
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._bar: TaskID | None = None
        self._name = ""
        self._last_metric = ""
        self._loss: float | None = None
        self._rate: float | None = None
        self._last_time: float | None = None

    def notify(self, event: Event) -> None:
        """Move the bar, or say something above it."""
        if isinstance(event, Validated):
            self._last_metric = f"  {self._metric} {event.metric:.4f}"
        if text := describe(event, self._metric):
            self._bars.console.print(text, markup=False, highlight=False)
        if isinstance(event, Progress):
            self._show(event.what, event.done, event.total, "")
        elif isinstance(event, StepDone):
            self._show(event.phase, event.phase_step, event.phase_steps, self._detail(event))
        # What lies between two steps here is no measure of their speed.
        if not isinstance(event, StepDone):
            self._last_time = None
        if isinstance(event, PhaseEnded):
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar, self._name = None, ""

    def _show(self, name: str, done: int, total: int, detail: str) -> None:
        if name != self._name or self._bar is None:
            self.close()
            self._bar, self._name = self._bars.add_task(name, total=total, detail=detail), name
            self._bars.start()
        self._bars.update(self._bar, completed=done, total=total, detail=detail)

    def _detail(self, event: StepDone) -> str:
        now = time.monotonic()
        if self._last_time is not None and now > self._last_time:
            self._rate = _smooth(self._rate, event.examples / (now - self._last_time))
        self._last_time = now
        self._loss = _smooth(self._loss, event.loss)
        speed = "" if self._rate is None else f"  {self._rate:.0f} examples/s"
        return f"epoch {event.epoch}  loss {self._loss:.4f}{self._last_metric}{speed}"


def _smooth(before: float | None, value: float) -> float:
    return value if before is None else SMOOTHING * before + (1 - SMOOTHING) * value
