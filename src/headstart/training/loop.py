"""The training loop. Read `train` from top to bottom: nothing else decides what happens when.

It takes ready objects and gives a result. Observers see events and change nothing; a wish to stop is
a value that it asks for between two steps. It knows no file format, no metric and no technique.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from torch import nn
from torch.nn.utils import clip_grad_norm_

from headstart.contracts import (
    Batch,
    Boundary,
    Event,
    Observer,
    Phase,
    PhaseStarted,
    Task,
    Validated,
)
from headstart.planning.plan import Plan
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.device import looks_every
from headstart.training.diagnosis import diagnose
from headstart.training.feed import Feed, Validate, Validation
from headstart.training.gradients import add_pull, window_gradients
from headstart.training.learner import Learner
from headstart.training.optimiser import set_rates
from headstart.training.schedule import rate_factor
from headstart.training.state import TrainState
from headstart.training.stopping import ON_TIME, PART_OVER, TIME_LIMIT, UNHURRIED, Pace, StopSource
from headstart.training.tally import Tally, TrainMetric
from headstart.training.telling import halved, left_out, phase_ended, resumed, step_done


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
    feed: Feed,
    train_metric: TrainMetric,
    checkpoints: CheckpointFolder,
    stop: StopSource,
    pace: Pace = UNHURRIED,
    start: Validation | None = None,
    observers: Sequence[Observer] = (),
) -> TrainResult:
    """Train a network phase by phase, on from the newest checkpoint where there is one.

    Args:
        network: with a pretrained `.backbone` and a `.head`; changed in place.
        phases: what is trained, in order. Each ends with the best weights of the run so far put
            back, so that a later phase never makes the result worse; those of pairs, with their last.
        boundaries: of the backbone.
        task: gives the loss, and says whether the main metric is an error.
        plan: optimiser, objective, precision, device and seed.
        feed: for each phase, batches of the training data, `plan.accumulate` of which make a step,
            and what validates, at every epoch's end, the network in evaluation mode.
        train_metric: from outputs and targets of the epoch just ended, as they were at each step.
        checkpoints: written at a phase's end, at a stop, at a validation where that is cheap, and
            from time to time.
        stop: asked before every step.
        pace: shares a time limit among the phases, each of which goes through its rates in its part.
        start: what the weights to begin with are worth, which a phase that climbs asks for; None is nothing.
        observers: told of every event.

    Raises:
        NonFiniteLoss: the last checkpoint is intact.
        CheckpointError: every checkpoint is damaged, or the newest belongs to another run.
        DiskFull: the earlier checkpoints are intact.
        RunError: out of memory with one example at a time, or a frozen layer has changed.
    """

    def tell(*events: Event) -> None:
        for event in events:
            for observer in observers:
                observer.notify(event)

    learner = Learner(network, boundaries, phases, plan)
    saved, damaged = checkpoints.latest()
    state = saved.state if saved else TrainState(micro_batch=plan.micro_batch)
    lower_is_better = task.watched in task.lower_is_better
    tally = Tally(looks_every(plan.device))
    stopped: str | None = None
    hurried = False

    for phase in phases[state.phase :]:
        begun = state.phase_step > 0
        if phase.climbs and not begun and not state.gained(start, lower_is_better=lower_is_better):
            tell(left_out(state, phase))
            state = state.after_phase()
            continue
        learner.begin(phase, saved)
        pace.begin(len(phases) - state.phase)
        if saved:
            tally.load(saved.epoch)
            tell(resumed(state, damaged))
            saved = None
        with feed(phase, _epochs_left(state, phase)) as (batches, validate):
            phase_steps = phase.epochs * math.ceil(len(batches) / plan.accumulate)
            if state.phase_step == 0:
                tell(PhaseStarted(state.step, phase.name, phase.epochs, phase_steps, learner.size))

            while not (why := state.why_over(phase, phase_steps)):
                learner.set_training_mode(phase)
                for window in _windows(batches.epoch(state.epoch, start=state.position), plan.accumulate):
                    stopped = stop()
                    # Before a phase's first step, the last checkpoint leads here.
                    if state.phase_step and (stopped not in (None, PART_OVER) or checkpoints.due()):
                        tell(*tally.look())
                        checkpoints.save(learner.checkpoint(state, tally))
                    if stopped:
                        break
                    gradients = window_gradients(
                        network,
                        window,
                        parameters=learner.parameters.values(),
                        task=task,
                        plan=plan,
                        step=state.step,
                        micro_batch=state.micro_batch,
                        contrast=phase.contrast,
                    )
                    if gradients.micro_batch < state.micro_batch:
                        tell(halved(state.step, gradients.micro_batch))
                    add_pull(learner.parameters, learner.pretrained, phase.l2_sp)
                    norm = clip_grad_norm_(learner.parameters.values(), plan.optimiser.clip or math.inf)
                    factor = rate_factor(
                        plan.optimiser.schedule,
                        step=max(state.phase_step, pace.used() * phase_steps),
                        steps=phase_steps,
                        warmup=plan.optimiser.warmup,
                        plateau=state.plateau,
                    )
                    state = state.after_step(len(window), gradients.micro_batch)
                    step = step_done(state, phase, phase_steps, factor=factor, examples=gradients.examples)
                    # On a CPU a loss that is not finite is found here, before it spoils the weights.
                    looked_at = tally.note(step, gradients, norm)
                    set_rates(learner.optimiser, factor)
                    learner.optimiser.step()
                    learner.average.update(state.phase_step)
                    tell(*looked_at)
                tell(*tally.look())
                # What the time limit cut short may be the best; a signal waits for nothing.
                if stopped and (stopped not in ON_TIME or state.is_validated):
                    break
                validated = _validated(
                    learner,
                    state,
                    phase,
                    validate,
                    train=Validation(tally.metric(train_metric), tally.loss),
                    lower_is_better=lower_is_better,
                )
                state = state.after_epoch(validated)
                tally.clear()
                tell(validated)
                if notice := diagnose(state.history):
                    tell(notice)
                if stopped:
                    break
                over = state.why_over(phase, phase_steps) is not None
                if over or checkpoints.cheap(learner.bytes):
                    checkpoints.save(learner.checkpoint(state, tally, over=over))

        # What they are read from may be removed to make room for the next ones.
        del batches, validate
        if stopped is None or stopped in ON_TIME:
            learner.end(phase)
        tell(phase_ended(state, phase, stopped or why))
        if stopped and stopped != PART_OVER:
            break
        hurried, stopped = hurried or stopped == PART_OVER, None
        state = state.after_phase()

    stopped = stopped or (TIME_LIMIT if hurried else None)
    return TrainResult(state.best, state.history, state.step, state.epoch, state.micro_batch, stopped)


def _epochs_left(state: TrainState, phase: Phase) -> range:
    """The epochs that a phase under way has left at most, counted over all phases."""
    done = sum(validated.phase == phase.name for validated in state.history)
    return range(state.epoch, state.epoch + phase.epochs - done)


def _windows(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """Consecutive batches, `size` at a time; the last window may be shorter."""
    while window := list(islice(batches, size)):
        yield window


def _validated(
    learner: Learner,
    state: TrainState,
    phase: Phase,
    validate: Validate,
    *,
    train: Validation,
    lower_is_better: bool,
) -> Validated:
    """Validate the weights (their average, where one is kept), and keep them where they are the best."""
    learner.network.eval()
    with learner.average.in_place():
        now = validate(learner.network)
        best = phase.contrast or state.is_best(now.metric, now.loss, lower_is_better=lower_is_better)
        if best:
            learner.keep_best()
    return Validated(
        step=state.step,
        phase=phase.name,
        epoch=state.epoch + 1,
        train_loss=train.loss,
        train_metric=train.metric,
        loss=now.loss,
        metric=now.metric,
        best=best,
    )
