"""One fit, in a run folder that is locked: prepared, decided, learned, saved, judged, and written down."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from headstart.artifact.bundle import load_bundle, save_bundle
from headstart.artifact.golden import choose
from headstart.artifact.model import Model
from headstart.artifact.run import RunFolder
from headstart.config.schema import Config
from headstart.contracts import Backbone, Observer
from headstart.errors import Interrupted
from headstart.planning.facts import MachineFacts
from headstart.planning.plan import Plan
from headstart.sources.resolve import load as load_backbone
from headstart.steps.decide import decide, refuse_unknown_boundaries
from headstart.steps.folds import forget_folds
from headstart.steps.foresee import foresee
from headstart.steps.job import Job, probe
from headstart.steps.judge import judge
from headstart.steps.keeping import cache_of
from headstart.steps.learn import Learned, learn
from headstart.steps.prepare import (
    Prepared,
    inspect,
    modality_class,
    prepare,
    refuse_unusable,
    task_class,
    task_of,
)
from headstart.steps.record import Clock, begin_record, finish_record, versions
from headstart.steps.resume import plan_as_begun, prepared_as_begun, refuse_other_request
from headstart.steps.screen import show_findings, show_forecast, show_plan, watch_files, watching
from headstart.training.machine import machine_facts
from headstart.training.stopping import StopSource, never


def fit_in(
    folder: RunFolder,
    config: Config,
    clock: Clock,
    stream: TextIO | None = None,
    *,
    allow_data_change: bool = False,
) -> list[str]:
    """From data to a saved, evaluated model; on from where the run was left, if it was.

    Args:
        folder: of the run, locked.
        config: the request; of a run that is resumed, as it was.
        clock: has counted since the request.
        stream: where progress and plan are shown; None shows nothing.
        allow_data_change: whether a run may go on although its data changed.

    Returns:
        Sentences on what to try next.
    """
    fresh = not folder.plan.exists()
    job = begun(config, folder, clock, stream, allow_data_change=allow_data_change)
    with resumable(folder.path, "fit"):
        expected = foresee(job, clock.elapsed, config.time_limit) if fresh else None
        show_forecast(stream, expected)
        job, done = learned(job, config, folder, clock, stream)
        with clock.part("evaluate"), watching(stream) as watch:
            judged = judge(_saved(folder, job, done, config.golden_samples), job, done, notify=watch.notify)
        sentences = finish_record(folder, job, done, judged, clock, expected)
    forget_folds(folder.checkpoints)
    return sentences


def begun(
    config: Config,
    folder: RunFolder,
    clock: Clock,
    stream: TextIO | None = None,
    *,
    allow_data_change: bool = False,
) -> Job:
    """All that is decided, written into the run folder before training; there is no probe yet."""
    refuse_other_request(folder, config)
    machine = machine_facts(config.device)
    before = plan_as_begun(folder, config, machine.device)
    with watching(stream) as watch:
        prepared, backbone = prepared_for(config, machine, clock, watch, before)
    prepared = prepared_as_begun(folder, prepared, allow_data_change=allow_data_change)
    decided = before or decide(
        config, prepared, task_of(config, prepared), backbone, machine, spent=clock.elapsed
    )
    task = task_of(config, prepared, metric=decided.metric)
    show_findings(stream, prepared.findings)
    show_plan(stream, decided)
    begin_record(folder, config, decided, prepared)
    return Job(prepared, task, backbone, decided, None)


def learned(
    job: Job,
    config: Config,
    folder: RunFolder,
    clock: Clock,
    stream: TextIO | None = None,
    *,
    observers: Sequence[Observer] = (),
    ask: StopSource = never,
) -> tuple[Job, Learned]:
    """The job with its probe, and what it learned."""
    with clock.part("train"):
        job = replace(job, probe=probe(job.prepared, job.task, job.prepared.part("train"), seed=config.seed))
        left = None if config.time_limit is None else max(config.time_limit - clock.elapsed, 0.0)
        with (
            watching(stream, job.task.watched) as watch,
            watch_files(folder, tensorboard=config.tensorboard) as files,
        ):
            told = (watch, *files, *observers)
            return job, learn(job, checkpoints=folder.checkpoints, seconds=left, observers=told, ask=ask)


def prepared_for(
    config: Config, machine: MachineFacts, clock: Clock, watch: Observer, begun: Plan | None = None
) -> tuple[Prepared, Backbone]:
    """The data with its split and features, and the backbone that gives them.

    Args:
        config: the request.
        machine: that computes.
        clock: counts.
        watch: is told of the progress.
        begun: the plan of a run that is resumed.
    """
    with clock.part("prepare"):
        task = task_class(config)
        backbone = load_backbone(
            config.model.name,
            task=task.name,
            family=modality_class(task).family,
            image_size=config.model.image_size,
        )
        refuse_unknown_boundaries(config, backbone)
        cache, why = cache_of(config)
        inspected = inspect(config, notify=watch.notify, backbone=backbone, cache=cache, why=why)
        refuse_unusable(inspected)
    with clock.part("features"):
        prepared = prepare(
            inspected,
            backbone,
            config,
            cache=cache,
            machine=machine,
            begun=begun,
            notify=watch.notify,
        )
    return prepared, backbone


@contextmanager
def resumable(folder: Path, command: str) -> Iterator[None]:
    """A signal within becomes the error that says how to go on.

    SIGTERM comes as `SystemExit`, where the command line has made it so.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(folder, 128 + signal.SIGINT, command) from error
    except SystemExit as error:
        raise Interrupted(folder, 128 + signal.SIGTERM, command) from error


def _saved(folder: RunFolder, job: Job, learned: Learned, samples: int) -> Model:
    """The model as it will be delivered: written, and read back."""
    modality = job.modality(job.backbone.preprocessing, None, 0)
    # Texts that a model writes take as long to write here as in a validation.
    count = samples if job.task.single_pass else 0
    save_bundle(
        folder.model,
        network=learned.network,
        task=job.task,
        backbone=job.backbone,
        head=learned.head,
        temperature=learned.temperature,
        batch_size=job.plan.evaluation_batch_size,
        columns=job.prepared.dataset.columns.get("input", ""),
        versions=versions(),
        samples=choose((*learned.judged, *job.prepared.part("train")), modality, count),
        device=job.plan.device,
    )
    return load_bundle(folder.path, device=job.plan.device)
