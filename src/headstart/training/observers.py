"""Who watches a run: a file of events for programs, plain lines for people. Neither changes anything."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

from headstart.contracts import (
    Event,
    FoldDone,
    Notice,
    PhaseEnded,
    PhaseStarted,
    Progress,
    Validated,
)
from headstart.durable import write_file_durably
from headstart.errors import DiskFull, counted

RESUMED = "resumed"


class MetricsFile:
    """``metrics.jsonl``: an event a line, ``{"event": "StepDone", "step": 12, ...}``.

    A run that begins again, or goes on from a checkpoint, first drops the lines of what it is about
    to repeat. On a full disk it falls silent. `Progress` is not written, and neither are folds: result.json
    has them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._silent = False

    def notify(self, event: Event) -> None:
        """Write an event."""
        if self._silent or isinstance(event, (Progress, FoldDone)):
            return
        line = json.dumps(_as_dict(event), ensure_ascii=False) + "\n"
        try:
            if begins(event):
                self._drop_after(event.step)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except (OSError, DiskFull):
            self._silent = True

    def close(self) -> None:
        """Nothing is open."""

    def _drop_after(self, step: int) -> None:
        if self._path.exists():
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = "".join(line for line in lines if _is_before(line, step))
            write_file_durably(self._path, kept.encode())


class Lines:
    """Plain lines, for output that is not a terminal: one a validation, and what there is to say.

    Args:
        stream: where to.
        metric: name of the main metric.
    """

    def __init__(self, stream: TextIO, metric: str) -> None:
        self._stream = stream
        self._metric = metric
        self._work = ""

    def notify(self, event: Event) -> None:
        """Print what is worth a line."""
        text = describe(event, self._metric)
        if isinstance(event, Progress):
            text = f"{event.what} ({event.total})" if event.what != self._work else None
            self._work = event.what
        if text:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is open."""


def describe(event: Event, metric: str) -> str | None:
    """An event as a line for people; None where it is not worth one."""
    match event:
        case PhaseStarted():
            size = f"{event.trainable:,} weights train"
            epochs, steps = counted(event.epochs, "epoch"), counted(event.total_steps, "step")
            return f"{event.phase}: {epochs}, {steps}, {size}"
        case Validated():
            # Of what is chosen by its loss, that is said once.
            watched = "" if metric == "loss" else f"  {metric} {event.metric:.4f}"
            # None of the phase is behind it where it validates before its first step.
            train = "" if math.isnan(event.train_loss) else f"  train loss {event.train_loss:.4f}"
            best = "  best" if event.best else ""
            return f"epoch {event.epoch}{train}  loss {event.loss:.4f}{watched}{best}"
        case PhaseEnded():
            return f"{event.phase}: {event.why}, best {metric} {event.best_metric:.4f}"
        case FoldDone():
            probe = "" if math.isnan(event.probe) else f", of its probe {event.probe:.4f}"
            fold, held = f"fold {event.fold} of {event.folds}", counted(event.held, "example")
            return f"{fold}: {metric} {event.metric:.4f}{probe}, on {held} held out"
        case Notice():
            return event.text
    return None


def begins(event: Event) -> bool:
    """Whether the run goes on from this step, whatever it had done after it before."""
    if isinstance(event, Notice):
        return event.kind == RESUMED
    return isinstance(event, PhaseStarted) and event.step == 0


def _is_before(line: str, step: int) -> bool:
    """Whether a line is of what is not repeated by a run that goes on from a step."""
    try:
        event = json.loads(line)
    except ValueError:
        return False
    # A checkpoint is written at the end of a phase's last epoch, so both of these come again.
    comes_again = event["event"] in (PhaseStarted.__name__, PhaseEnded.__name__)
    return bool(event["step"] < step or (event["step"] == step and not comes_again))


def _as_dict(event: Event) -> dict[str, Any]:
    """Plain data that every reader of JSON takes: not finite is null."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    return {"event": type(event).__name__} | {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
