"""What the loop tells its observers, made from where it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headstart.contracts import HEAD, Notice, Phase, PhaseEnded, StepDone
from headstart.training.observers import RESUMED
from headstart.training.state import TrainState


def resumed(state: TrainState, damaged: Sequence[str]) -> Notice:
    """The run goes on from a state; `damaged` is why newer checkpoints could not be read."""
    return Notice(state.step, RESUMED, " ".join((*damaged, f"Resumed from step {state.step}.")))


def step_done(state: TrainState, phase: Phase, phase_steps: int, *, factor: float, examples: int) -> StepDone:
    """The step that led to a state; its loss is not known yet.

    Args:
        factor: share of their peak that its rates had.
        examples: that it saw.
    """
    return StepDone(
        step=state.step,
        phase=phase.name,
        epoch=state.epoch + 1,
        loss=math.nan,
        lr=factor * phase.rates.get(HEAD, max(phase.rates.values())),
        phase_step=state.phase_step,
        phase_steps=phase_steps,
        examples=examples,
    )


def halved(step: int, micro_batch: int) -> Notice:
    """Memory ran out, and so many examples are computed at once from now on."""
    text = (
        f"Out of memory: {micro_batch} examples are computed at once now. Each step sees as many as before."
    )
    return Notice(step, "out of memory", text)


def left_out(state: TrainState, phase: Phase) -> Notice:
    """A phase is not begun, as the one before it brought nothing."""
    before = state.history[-1].phase if state.history else "what came before"
    text = f"Phase '{phase.name}' is left out: '{before}' brought nothing on validation data."
    return Notice(state.step, "left out", text)


def phase_ended(state: TrainState, phase: Phase, why: str | None) -> PhaseEnded:
    """A phase is over, and why."""
    best_step, best_metric = (state.best.step, state.best.metric) if state.best else (0, math.nan)
    return PhaseEnded(state.step, phase.name, why or "", best_step, best_metric)
