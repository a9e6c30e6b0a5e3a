"""The events of a training run as curves. Knows the lines of metrics.jsonl, nothing of drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True)
class Stretch:
    """A phase as it went, from step `start` to step `end`; `why` it ended is empty where it did not."""

    phase: str
    start: int
    end: int
    why: str


@dataclass(frozen=True)
class History:
    """Curves over optimiser steps; every curve is (step, value) pairs in order of steps."""

    loss: tuple[Point, ...]
    lr: tuple[Point, ...]
    train_loss: tuple[Point, ...]
    train_metric: tuple[Point, ...]
    val_loss: tuple[Point, ...]
    val_metric: tuple[Point, ...]
    stretches: tuple[Stretch, ...]
    best_step: int | None
    notices: tuple[tuple[int, str], ...]


def history(events: Sequence[Mapping[str, Any]]) -> History:
    """Curves, phases and notices of a run.

    A resumed run begins its phase twice; the first time counts.
    """
    steps = _of(events, "StepDone")
    passes = _of(events, "Validated")
    best = [event["step"] for event in passes if event["best"]]
    notices = dict.fromkeys((event["step"], event["text"]) for event in _of(events, "Notice"))
    return History(
        loss=_curve(steps, "loss"),
        lr=_curve(steps, "lr"),
        train_loss=_curve(passes, "train_loss"),
        train_metric=_curve(passes, "train_metric"),
        val_loss=_curve(passes, "loss"),
        val_metric=_curve(passes, "metric"),
        stretches=_stretches(events),
        best_step=best[-1] if best else None,
        notices=tuple(notices),
    )


def _of(events: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [event for event in events if event["event"] == kind]


def _curve(events: Sequence[Mapping[str, Any]], key: str) -> tuple[Point, ...]:
    values = ((event["step"], event[key]) for event in events)
    return tuple((step, value) for step, value in values if value is not None and math.isfinite(value))


def _stretches(events: Sequence[Mapping[str, Any]]) -> tuple[Stretch, ...]:
    started: dict[str, Mapping[str, Any]] = {}
    for event in _of(events, "PhaseStarted"):
        started.setdefault(event["phase"], event)
    ended = {event["phase"]: event for event in _of(events, "PhaseEnded")}
    last = max((event["step"] for event in events), default=0)
    ends = [*[event["step"] for event in started.values()][1:], last]
    return tuple(
        Stretch(phase, event["step"], end, ended.get(phase, {}).get("why", ""))
        for (phase, event), end in zip(started.items(), ends, strict=False)
    )
