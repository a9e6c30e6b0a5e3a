"""The training loop. Read `train` from top to bottom: nothing else decides what happens when.

It takes ready objects and gives a result. Observers see events and change nothing; a wish to stop is
a value that it asks for between two steps. It knows no file format, no metric and no technique.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from torch import nn
from torch.nn.utils import clip_grad_norm_

from headstart.contracts import (
    Batch,
    Boundary,
    Event,
    Notice,
    Observer,
    Phase,
    PhaseEnded,
    PhaseStarted,
    StepDone,
    Task,
    Validated,
)
from headstart.planning.plan import Plan
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.diagnosis import diagnose
from headstart.training.freezing import HEAD
from headstart.training.gradients import TrainMetric, add_pull, refuse_non_finite, window_gradients
from headstart.training.learner import Learner
from headstart.training.optimiser import set_rates
from headstart.training.schedule import rate_factor
from headstart.training.state import TrainState
from headstart.training.stopping import TIME_LIMIT, StopSource


class TrainBatches(Protocol):
    """Training batches whose order is a function of the epoch."""

    def __len__(self) -> int:
        """Batches in one epoch."""

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0, from the `start`-th on."""


@dataclass(frozen=True)
class Validation:
    """What validating gave: the main metric, and the mean loss."""

    metric: float
    loss: float


Validate = Callable[[nn.Module], Validation]


@dataclass(frozen=True)
class TrainResult:
    """How training went; the weights are in the network that was handed in.

    Attributes:
        best: the validation at which the weights were best; None where none was made.
        history: every validation.
        steps, epochs: done, over all phases.
        micro_batch: examples that were computed at once in the end.
        stopped: why it stopped early, as the stop source said it; None where it ran to its end.
            The network has the best weights then, too, but after a signal those of the last step.
    """

    best: Validated | None
    history: tuple[Validated, ...]
    steps: int
    epochs: int
    micro_batch: int
    stopped: str | None


def train(
    *,
    network: nn.Module,
    phases: Sequence[Phase],
    boundaries: Sequence[Boundary],
    task: Task,
    plan: Plan,
    batches: TrainBatches,
    validate: Validate,
    train_metric: TrainMetric,
    checkpoints: CheckpointFolder,
    stop: StopSource,
    observers: Sequence[Observer] = (),
) -> TrainResult:
    """Train a network phase by phase, on from the newest checkpoint where there is one.

    Args:
        network: with a pretrained `.backbone` and a `.head`; changed in place.
        phases: what is trained, in order. Each ends with the best weights of the run so far put
            back, so that a later phase never makes the result worse.
        boundaries: of the backbone.
        task: gives the loss, and says whether the main metric is an error.
        plan: optimiser, objective, precision, device and seed.
        batches: of the training data; `plan.accumulate` of them make a step.
        validate: called at every epoch's end, with the network in evaluation mode.
        train_metric: mean over a batch's examples, from the outputs of `task.loss` (which may still
            carry gradients) and the batch as it was before mixing.
        checkpoints: written at every validation, at a stop, and from time to time.
        stop: asked before every step.
        observers: told of every event.

    Raises:
        NonFiniteLoss: the last checkpoint is intact.
        CheckpointError: every checkpoint is damaged, or the newest belongs to another run.
        DiskFull: the earlier checkpoints are intact.
        RunError: out of memory with one example at a time, or a frozen layer has changed.
    """

    def tell(event: Event) -> None:
        for observer in observers:
            observer.notify(event)

    learner = Learner(network, boundaries, phases, plan)
    saved, damaged = checkpoints.latest()
    state = saved.state if saved else TrainState(micro_batch=plan.batch_size)
    stopped: str | None = None

    for phase in phases[state.phase :]:
        phase_steps = phase.epochs * math.ceil(len(batches) / plan.accumulate)
        learner.begin(phase, saved)
        if saved:
            tell(Notice(state.step, "resumed", " ".join((*damaged, f"Resumed from step {state.step}."))))
            saved = None
        if state.phase_step == 0:
            tell(PhaseStarted(state.step, phase.name, phase.epochs, phase_steps, learner.size))

        while not (why := state.why_over(phase, phase_steps)):
            learner.set_training_mode(phase)
            for window in _windows(batches.epoch(state.epoch, start=state.position), plan.accumulate):
                stopped = stop()
                # Before a phase's first step, the last checkpoint leads here.
                if state.phase_step and (stopped or checkpoints.due()):
                    checkpoints.save(learner.checkpoint(state))
                if stopped:
                    break
                gradients = window_gradients(
                    network,
                    window,
                    task=task,
                    plan=plan,
                    step=state.step,
                    micro_batch=state.micro_batch,
                    train_metric=train_metric,
                )
                if gradients.micro_batch < state.micro_batch:
                    tell(_halved(state.step, gradients.micro_batch))
                add_pull(learner.parameters, learner.pretrained, phase.l2_sp)
                norm = clip_grad_norm_(learner.parameters.values(), plan.optimiser.clip or math.inf)
                refuse_non_finite(gradients, norm, step=state.step, epoch=state.epoch + 1)
                factor = rate_factor(
                    plan.optimiser.schedule,
                    step=state.phase_step,
                    steps=phase_steps,
                    warmup=plan.optimiser.warmup,
                    plateau=state.plateau,
                )
                set_rates(learner.optimiser, factor)
                learner.optimiser.step()
                state = state.after_step(len(window), gradients.sums, gradients.micro_batch)
                learner.average.update(state.phase_step)
                tell(
                    StepDone(
                        step=state.step,
                        phase=phase.name,
                        epoch=state.epoch + 1,
                        loss=gradients.sums.mean_loss,
                        lr=factor * phase.rates.get(HEAD, max(phase.rates.values())),
                        phase_step=state.phase_step,
                        phase_steps=phase_steps,
                        examples=gradients.sums.examples,
                    )
                )
            # What the time limit cut short is validated, as it may be the best; a signal waits for nothing.
            if stopped and (stopped != TIME_LIMIT or state.is_validated):
                break
            lower_is_better = plan.metric in task.lower_is_better
            validated = _validated(learner, state, phase, validate, lower_is_better=lower_is_better)
            state = state.after_epoch(validated)
            tell(validated)
            if notice := diagnose(state.history):
                tell(notice)
            if stopped:
                break
            checkpoints.save(learner.checkpoint(state))

        if stopped in (None, TIME_LIMIT):
            learner.end(phase)
        tell(_phase_ended(state, phase, stopped or why))
        if stopped:
            break
        state = state.after_phase()

    return TrainResult(state.best, state.history, state.step, state.epoch, state.micro_batch, stopped)


def _windows(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """Consecutive batches, `size` at a time; the last window may be shorter."""
    while window := list(islice(batches, size)):
        yield window


def _validated(
    learner: Learner, state: TrainState, phase: Phase, validate: Validate, *, lower_is_better: bool
) -> Validated:
    """Validate the weights (their average, where one is kept), and keep them where they are the best."""
    learner.network.eval()
    with learner.average.in_place():
        now = validate(learner.network)
        best = state.is_best(now.metric, now.loss, lower_is_better=lower_is_better)
        if best:
            learner.keep_best()
    return Validated(
        step=state.step,
        phase=phase.name,
        epoch=state.epoch + 1,
        train_loss=state.epoch_sums.mean_loss,
        train_metric=state.epoch_sums.mean_metric,
        loss=now.loss,
        metric=now.metric,
        best=best,
    )


def _halved(step: int, micro_batch: int) -> Notice:
    text = (
        f"Out of memory: {micro_batch} examples are computed at once now. Each step sees as many as before."
    )
    return Notice(step, "out of memory", text)


def _phase_ended(state: TrainState, phase: Phase, why: str | None) -> PhaseEnded:
    best_step, best_metric = (state.best.step, state.best.metric) if state.best else (0, math.nan)
    return PhaseEnded(state.step, phase.name, why or "", best_step, best_metric)
