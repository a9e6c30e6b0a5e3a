"""Training and validation data divided anew, so that more examples than the validation split judge."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Backbone, Event, Example, FoldDone, Observer, Progress, StepDone
from headstart.data.folds import deal
from headstart.durable import remove_folder
from headstart.features.probe import strata
from headstart.steps.job import Job, probe
from headstart.steps.network import Round, Trained, teller, train_network
from headstart.steps.validate import Validator
from headstart.training.stopping import TIME_LIMIT, Stop, StopSource

FOLDER = "fold-"
# Among so many networks a limited time is shared, where more are planned: one alone is judged by too few.
WITHIN = 3
# A further network may be trained in so much of the time of the first: its rates fall as the time is used.
ENOUGH = 0.75


def train_folds(
    job: Job,
    pristine: Backbone,
    *,
    checkpoints: Path,
    stop: Stop,
    ask: StopSource,
    observers: Sequence[Observer],
) -> Iterator[Trained]:
    """A network a fold of the plan: the first is judged by the validation split, and trained as ever.

    Of a limited time, it has as much as leaves room for `WITHIN` networks, or for fewer where these would
    not have time for an epoch of each phase; of the others there are as many as the rest allows, going by
    how long the first one took. None follows one that was stopped, or had no time for a step.

    Args:
        job: with the probe of the first fold; its backbone is changed in place.
        pristine: the backbone as it was; not looked at where the plan has one fold and does not interpolate.
        checkpoints: folder; a further fold has one of its own in it.
        stop: knows the time limit and the signals.
        ask: why to stop, too.
        observers: told of every event of the first fold, and of the progress of the others.
    """
    began = time.monotonic()
    first = train_network(
        job,
        pristine,
        checkpoints=checkpoints,
        stop=stop,
        ask=ask,
        observers=observers,
        later=min(job.plan.folds, WITHIN) - 1,
    )
    yield first
    gone = first.round.training
    if job.plan.folds == 1 or not gone.steps or stop.signal or gone.stopped not in (None, TIME_LIMIT):
        return
    folds = _more_folds(job)
    folds = folds[: int(min(len(folds), stop.times(ENOUGH * (time.monotonic() - began))))]
    if folds:
        _tell(observers, job, first.round, 1, len(folds) + 1)
    for number, fold in enumerate(folds, start=2):
        trained = train_network(
            replace(_with_own_probe(fold), backbone=copy.deepcopy(pristine)),
            pristine,
            checkpoints=checkpoints / f"{FOLDER}{number}",
            stop=stop,
            ask=ask,
            observers=[_OfFold(observers, f"fold {number} of {len(folds) + 1}")],
            later=len(folds) + 1 - number,
            seconds=first.seconds,
            further=True,
        )
        if stop.signal or not trained.round.training.steps:
            return
        _tell(observers, fold, trained.round, number, len(folds) + 1)
        yield trained


def forget_folds(checkpoints: Path) -> None:
    """Remove the further folds' checkpoints of a run that is over."""
    for folder in checkpoints.glob(f"{FOLDER}*"):
        remove_folder(folder)


class _OfFold:
    """Passes on the progress of a further fold, and nothing else: its steps are not those of the run."""

    def __init__(self, observers: Sequence[Observer], name: str) -> None:
        self._tell, self._name = teller(observers), name

    def notify(self, event: Event) -> None:
        """Hear of an event."""
        if isinstance(event, StepDone):
            event = Progress(0, f"{self._name}, {event.phase}", event.phase_step, event.phase_steps)
        if isinstance(event, Progress):
            self._tell(event)

    def close(self) -> None:
        """Nothing is open."""


def _tell(observers: Sequence[Observer], job: Job, one: Round, number: int, count: int) -> None:
    """What a fold gave."""
    judge = Validator(job, one.held)
    metric = judge.candidate(one.tried[1.0]).metric
    probed = float("nan") if one.probed is None else judge.candidate(one.probed).metric
    teller(observers)(FoldDone(one.training.steps, number, count, len(one.held), metric, probed))


def fold_count(job: Job) -> int:
    """How many there are, where the time is not limited."""
    return 1 + len(_more_folds(job))


def _more_folds(job: Job) -> list[Job]:
    """The job once more for each further fold, with other examples held out.

    The validation split is trained on in all of them. The training split is dealt into parts of about
    its size, each of which is held out once.
    """
    train, val = job.prepared.part("train"), job.prepared.part("val")
    parts = max(2, round(len(train) / max(len(val), 1)))
    keys = np.array(job.prepared.groups_of(train))
    fold_of = deal(_strata(job, train), keys, parts, seed=job.plan.seed)
    folds = []
    for fold in range(min(job.plan.folds - 1, fold_of.max() + 1)):
        held = [example for example, own in zip(train, fold_of, strict=True) if own == fold]
        kept = [example for example, own in zip(train, fold_of, strict=True) if own != fold]
        if kept:
            folds.append(_holding_out(job, held, (*kept, *val)))
    return folds


def _holding_out(job: Job, held: Sequence[Example], learned: Sequence[Example]) -> Job:
    """The job with these examples for validation and those for training."""
    splits = replace(
        job.prepared.splits,
        train=tuple(sorted(example.id for example in learned)),
        val=tuple(sorted(example.id for example in held)),
    )
    return replace(job, prepared=replace(job.prepared, splits=splits))


def _with_own_probe(job: Job) -> Job:
    """The probe of its training split, as strong as that of the first fold."""
    if job.probe is None:
        return job
    train = job.prepared.part("train")
    own = probe(job.prepared, job.task, train, seed=job.plan.seed, strength=job.probe.strength)
    return replace(job, probe=own)


def _strata(job: Job, examples: Sequence[Example]) -> NDArray[np.int64]:
    """By what folds are to be alike: the labels, where examples have some as a whole."""
    linear = job.task.linear_targets([job.task.encode(example) for example in examples])
    return np.zeros(len(examples), dtype=np.int64) if linear is None else strata(linear.values)
