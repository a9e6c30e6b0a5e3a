"""The table of contents: what headstart does, each as a few calls of the rooms below."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from headstart.artifact.bundle import load_bundle, save_bundle
from headstart.artifact.model import Model
from headstart.artifact.result import Run
from headstart.artifact.run import RunFolder, existing_run, name_for, new_run, next_free, unfinished_run
from headstart.config.schema import Config
from headstart.contracts import Backbone, Observer, Prediction
from headstart.contracts.offers import Offer
from headstart.data.dataset import Finding, Splits
from headstart.errors import DataError, Interrupted
from headstart.evaluation.comparison import Comparison
from headstart.evaluation.ranking import Candidate
from headstart.evaluation.scores import Scores
from headstart.planning.facts import MachineFacts
from headstart.planning.plan import Plan
from headstart.sources.offers import offers, offers_of
from headstart.sources.resolve import load as load_backbone
from headstart.steps.compare import compare_runs
from headstart.steps.decide import decide, refuse_unknown_boundaries, refuse_unknown_names
from headstart.steps.demo import demo_config
from headstart.steps.inputs import listed
from headstart.steps.job import Job, probe
from headstart.steps.judge import examples_of_run, judge, judge_data, other_examples, request_of_run
from headstart.steps.keeping import cache_of
from headstart.steps.latency import latencies
from headstart.steps.learn import Learned, learn
from headstart.steps.prepare import (
    Prepared,
    findings_without_features,
    inspect,
    modality_class,
    prepare,
    refuse_unusable,
    task_class,
    task_of,
)
from headstart.steps.rank import AUTO, SAMPLE, Wanted, better, for_race, with_model
from headstart.steps.rank import rank as try_models
from headstart.steps.record import Clock, begin_record, finish_record, versions
from headstart.steps.resume import plan_as_begun, prepared_as_begun, refuse_other_request
from headstart.steps.screen import show_findings, show_plan, show_scores, watch_files, watching
from headstart.training.machine import keep_freed_memory, machine_facts


def check(config: Config, *, stream: TextIO | None = None) -> tuple[Finding, ...]:
    """What is in the data, and what is wrong with it; gravest first.

    Args:
        config: names the data.
        stream: where the progress is shown; None shows nothing.

    Raises:
        DataError: there is nothing that can be read.
    """
    with watching(stream) as watch:
        return findings_without_features(inspect(config, notify=watch.notify))


def split(config: Config, *, stream: TextIO | None = None) -> Splits:
    """The split that `fit` would make: ids by part, copies and near copies kept together."""
    with watching(stream) as watch:
        prepared, _ = _prepare(config, machine_facts(config.device), Clock(), watch)
    return prepared.splits


def models(config: Config) -> tuple[tuple[Offer, ...], dict[str, float]]:
    """Every pretrained model that can be had, and the seconds that those take here which are there.

    Args:
        config: names the device and the cache.
    """
    found = offers()
    cache, _ = cache_of(config)
    return found, latencies(found, machine_facts(config.device).device, cache)


def rank(
    config: Config,
    names: Sequence[str] = (),
    *,
    wanted: Wanted | None = None,
    count: int = SAMPLE,
    stream: TextIO | None = None,
) -> tuple[Candidate, ...]:
    """Pretrained models, tried on a sample of the training data; the most promising first.

    Args:
        config: names the data.
        names: of models to try; none is all that are there.
        wanted: what they must be like; None is anything.
        count: examples of the sample, at most.
        stream: where the progress is shown; None shows nothing.

    Raises:
        RequestError: the task has no probe, or no model is left.
    """
    tried = offers_of(names) if names else _there(config)
    with watching(stream) as watch:
        return try_models(
            config,
            tried,
            machine_facts(config.device),
            wanted=wanted or Wanted(),
            count=count,
            notify=watch.notify,
        )


def race(
    config: Config, candidates: Sequence[Candidate], *, began: float, stream: TextIO | None = None
) -> Run:
    """The first two of a ranking, each fitted in half of the time that is left; the better one.

    Args:
        config: the request, with a time limit.
        candidates: as `rank` gives them.
        began: when the time limit began to count, as `time.monotonic` says it.
        stream: where progress, plans and scores are shown; None shows nothing.
    """
    runs = []
    racing = candidates[:2]
    for place, candidate in enumerate(racing):
        left = (config.time_limit or 0) - (time.monotonic() - began)
        request = for_race(config, candidate.name, left / (len(racing) - place))
        runs.append(fit(request, stream=stream))
    return better(runs)


def plan(config: Config, *, stream: TextIO | None = None) -> Plan:
    """Every decision that `fit` would make, with its reasons; trains nothing."""
    config = _with_chosen_model(config, stream)
    refuse_unknown_names(config)
    machine = machine_facts(config.device)
    with watching(stream) as watch:
        prepared, backbone = _prepare(config, machine, Clock(), watch)
    decided = decide(config, prepared, task_of(config, prepared), backbone, machine)
    show_findings(stream, prepared.findings)
    show_plan(stream, decided)
    return decided


def fit(
    config: Config,
    *,
    resume: Path | None = None,
    allow_data_change: bool = False,
    began: float | None = None,
    stream: TextIO | None = None,
) -> Run:
    """From data to a saved, evaluated model.

    Args:
        config: the request; of a run that is resumed, as it was.
        resume: the run folder to go on with.
        allow_data_change: whether a run may go on although its data changed.
        began: when the time limit began to count, as `time.monotonic` says it; None is now.
        stream: where progress, plan and scores are shown; None shows nothing.

    Raises:
        HeadstartError: with what is wrong, where, and what to do.
    """
    clock = Clock(began)
    keep_freed_memory()
    config = _with_chosen_model(config, stream)
    refuse_unknown_names(config)
    with _run_folder(config, resume) as folder:
        refuse_other_request(folder, config)
        machine = machine_facts(config.device)
        begun = plan_as_begun(folder, config, machine.device)
        with watching(stream) as watch:
            prepared, backbone = _prepare(config, machine, clock, watch, begun)
        prepared = prepared_as_begun(folder, prepared, allow_data_change=allow_data_change)
        decided = begun or decide(config, prepared, task_of(config, prepared), backbone, machine)
        task = task_of(config, prepared, metric=decided.metric)
        show_findings(stream, prepared.findings)
        show_plan(stream, decided)
        begin_record(folder, config, decided, prepared)
        with _resumable(folder):
            with clock.part("train"):
                fitted = probe(prepared, task, prepared.part("train"), seed=config.seed)
                job = Job(prepared, task, backbone, decided, fitted)
                learned = _learn(job, config, folder, clock, stream)
            with clock.part("evaluate"), watching(stream) as watch:
                judged = judge(_saved(folder, job, learned), job, learned, notify=watch.notify)
            advice = finish_record(folder, job, learned, judged, clock)
    run = Run.open(folder.path)
    show_scores(stream, run.result, advice)
    return run


def predict(path: Path, inputs: Iterable[str]) -> Iterator[tuple[str, Prediction | DataError]]:
    """What every input is, in order; folders give all their files.

    Args:
        path: a run folder or a bundle.
        inputs: names of files, folders and tables; texts, where the model reads them.

    Yields:
        The input as it was named and its prediction, or why there is none.
    """
    model = load_bundle(path)
    for some in listed(inputs, model):
        if isinstance(some, DataError):
            yield "", some
        else:
            names, values = zip(*some, strict=True)
            yield from zip(names, model.predict_each(values), strict=True)


def evaluate(path: Path, data: Path | None = None, *, label: str | None = None) -> Scores:
    """Scores with intervals of a run's model, on its own test split or on other labelled data.

    Args:
        path: the run folder.
        data: labelled examples of the same task; None is the run's test split.
        label: column of `data` with the labels, where it is not that of the run's data.

    Raises:
        DataError: the data is gone, cannot be read, or has labels that the model does not know.
    """
    folder = existing_run(path)
    model = load_bundle(path)
    config = request_of_run(folder, model.task)
    examples, groups = other_examples(config, data, label) if data else examples_of_run(folder, config)
    return judge_data(model, examples, groups)


def compare(first: Path, second: Path, data: Path | None = None, *, label: str | None = None) -> Comparison:
    """Two runs on the same examples: those in the test splits of both, or other labelled data.

    Raises:
        RequestError: they cannot be compared: other tasks, other labels, no test example in common.
    """
    return compare_runs((first, second), data, label=label)


def demo(name: str, out: Path | None = None, *, stream: TextIO | None = None) -> Run:
    """A real fine-tune, end to end, with nothing to prepare.

    Raises:
        RequestError: there is no such demo.
    """
    return fit(demo_config(name, out or next_free(Path("runs"), f"demo-{name}")), stream=stream)


def _with_chosen_model(config: Config, stream: TextIO | None) -> Config:
    """The request with the first of a ranking, where it asks for one."""
    return with_model(config, rank(config, stream=stream)[0].name) if config.model.name == AUTO else config


def _there(config: Config) -> tuple[Offer, ...]:
    """Models for the data's kind of inputs that need no network and no install."""
    family = modality_class(task_class(config)).family
    return tuple(offer for offer in offers(family) if not offer.lacking)


@contextmanager
def _run_folder(config: Config, resume: Path | None) -> Iterator[RunFolder]:
    """The folder of a new run, or of the one that is resumed; locked."""
    if resume is None:
        out = Path(config.out) if config.out else next_free(Path("runs"), name_for(Path(config.data.path)))
        held = new_run(out)
    else:
        held = unfinished_run(resume)
    with held as folder:
        yield folder


@contextmanager
def _resumable(folder: RunFolder) -> Iterator[None]:
    """A signal within becomes the error that says how to go on.

    SIGTERM comes as `SystemExit`, where the command line has made it so.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(folder.path, 128 + signal.SIGINT) from error
    except SystemExit as error:
        raise Interrupted(folder.path, 128 + signal.SIGTERM) from error


def _prepare(
    config: Config, machine: MachineFacts, clock: Clock, watch: Observer, begun: Plan | None = None
) -> tuple[Prepared, Backbone]:
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


def _learn(job: Job, config: Config, folder: RunFolder, clock: Clock, stream: TextIO | None) -> Learned:
    left = None if config.time_limit is None else max(config.time_limit - clock.elapsed, 0.0)
    with (
        watching(stream, job.task.watched) as watch,
        watch_files(folder, tensorboard=config.tensorboard) as files,
    ):
        return learn(job, checkpoints=folder.checkpoints, seconds=left, observers=(watch, *files))


def _saved(folder: RunFolder, job: Job, learned: Learned) -> Model:
    """The model as it will be delivered: written, and read back."""
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
    )
    return load_bundle(folder.path, device=job.plan.device)
