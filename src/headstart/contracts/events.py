"""What happens during a run, as frozen values, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened during a run. Observers get these and change nothing.

    Attributes:
        step: optimiser steps done so far in the run.
    """

    step: int


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A phase begins: `total_steps` optimiser steps at most, `epochs` passes."""

    phase: str
    epochs: int
    total_steps: int
    trainable: int


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """One optimiser step: mean loss per unit of its window, rate of the head, step in its phase."""

    phase: str
    epoch: int
    loss: float
    lr: float
    phase_step: int
    phase_steps: int
    examples: int


@dataclass(frozen=True, slots=True)
class Validated(Event):
    """A pass over validation data. `train_*` are means over the epoch just ended."""

    phase: str
    epoch: int
    train_loss: float
    train_metric: float
    loss: float
    metric: float
    best: bool


@dataclass(frozen=True, slots=True)
class PhaseEnded(Event):
    """A phase is over, and why: ``"epochs done"``, ``"early stopping"``, ``"signal"``, ..."""

    phase: str
    why: str
    best_step: int
    best_metric: float


@dataclass(frozen=True, slots=True)
class FoldDone(Event):
    """A fold of cross-validation is trained and judged: the `fold`-th of `folds`.

    Attributes:
        held: examples that it was judged on.
        metric: of what was trained; `probe`: of its probe, NaN where there is none.
    """

    fold: int
    folds: int
    held: int
    metric: float
    probe: float


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Something to say in words: overfitting, a plateau, a halved micro-batch.

    Attributes:
        kind: a stable word for programs: ``"overfitting"``.
        text: one sentence.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Work outside the loop that takes a while: `done` of `total` units of `what`."""

    what: str
    done: int
    total: int


class Observer(Protocol):
    """Watches a run."""

    def notify(self, event: Event) -> None:
        """Take note of an event. Must not raise for want of disk: it may fall silent instead."""

    def close(self) -> None:
        """The run is over."""
