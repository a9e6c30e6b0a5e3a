"""The table of contents: how headstart makes a model, each step as a few calls of the rooms below."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from headstart.artifact.bundle import load_bundle
from headstart.artifact.result import Run
from headstart.artifact.run import RunFolder, name_for, new_run, next_free, unfinished_run
from headstart.config.schema import Config
from headstart.contracts import Prediction
from headstart.contracts.offers import Offer
from headstart.data.dataset import Finding, Splits
from headstart.errors import DataError
from headstart.evaluation.comparison import Comparison
from headstart.evaluation.ranking import Candidate
from headstart.evaluation.scores import Scores
from headstart.planning.plan import Plan
from headstart.sources.offers import offers, offers_of
from headstart.steps.compare import compare_runs
from headstart.steps.decide import decide, refuse_unknown_names
from headstart.steps.demo import demo_config
from headstart.steps.fitting import fit_in, prepared_for, resumable
from headstart.steps.foresee import foresee
from headstart.steps.inputs import listed
from headstart.steps.job import Job
from headstart.steps.judge import judge_data
from headstart.steps.keeping import cache_of
from headstart.steps.latency import latencies
from headstart.steps.prepare import (
    findings_without_features,
    inspect,
    modality_class,
    task_class,
    task_of,
)
from headstart.steps.rank import AUTO, SAMPLE, Wanted, better, for_race, with_model
from headstart.steps.rank import rank as try_models
from headstart.steps.record import Clock
from headstart.steps.screen import (
    show_findings,
    show_forecast,
    show_plan,
    show_scores,
    show_search,
    show_tuned,
    watching,
)
from headstart.steps.to_score import examples_for
from headstart.steps.tune import Tuned, finish, study_folder, study_of, usual_trials
from headstart.training.machine import keep_freed_memory, machine_facts
from headstart.tuning.storage import optuna_itself


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
        prepared, _ = prepared_for(config, machine_facts(config.device), Clock(), watch)
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
    machine, clock = machine_facts(config.device), Clock()
    with watching(stream) as watch:
        prepared, backbone = prepared_for(config, machine, clock, watch)
    task = task_of(config, prepared)
    decided = decide(config, prepared, task, backbone, machine, spent=clock.elapsed)
    show_findings(stream, prepared.findings)
    show_plan(stream, decided)
    if stream is not None:
        job = Job(prepared, task, backbone, decided, None)
        show_forecast(stream, foresee(job, clock.elapsed, config.time_limit))
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
        advice = fit_in(folder, config, clock, stream, allow_data_change=allow_data_change)
    run = Run.open(folder.path)
    show_scores(stream, run.result, advice)
    return run


def tune(
    config: Config,
    *,
    trials: int | None = None,
    storage: str | None = None,
    name: str | None = None,
    resume: Path | None = None,
    began: float | None = None,
    stream: TextIO | None = None,
) -> Tuned:
    """Search for better settings than the usual ones; the best trial is a finished run.

    Args:
        config: the request; what it states is not searched over.
        trials: in all, of every process that takes part; None is as many as the data can tell apart.
        storage: address of a database that several machines reach; None is a journal in the study's folder.
        name: of the study in the storage; None is that of its folder.
        resume: the folder of a study to go on with.
        began: when the time limit began to count, as `time.monotonic` says it; None is now.
        stream: where the progress is shown; None shows nothing.

    Raises:
        HeadstartError: with what is wrong, where, and what to do.
    """
    clock = Clock(began)
    keep_freed_memory()
    optuna_itself()
    config = _with_chosen_model(config, stream)
    refuse_unknown_names(config)
    machine = machine_facts(config.device)
    with study_folder(config, resume) as folder:
        with watching(stream) as watch:
            prepared, backbone = prepared_for(config, machine, clock, watch)
        task = task_of(config, prepared)
        decided = decide(config, prepared, task, backbone, machine)
        show_findings(stream, prepared.findings)
        study = study_of(
            config, folder, decided, task, prepared, clock=clock, storage=storage, name=name, stream=stream
        )
        count = trials or usual_trials(study.n_val)
        show_search(stream, study.dimensions, trials=count, n_val=study.n_val, asked=trials is not None)
        with resumable(folder.path, "tune"):
            study.run(count)
            tuned = finish(study)
    show_tuned(stream, tuned.result)
    return tuned


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
    """Scores with intervals of a model, on its run's test split or on other labelled data.

    Args:
        path: the run folder; or a bundle or an export.
        data: labelled examples of the same task; None is the run's test split.
        label: column of `data` with the labels, where it is not that of the run's data.

    Raises:
        RequestError: the test split is asked for, and no run is around the model.
        DataError: the data is gone, cannot be read, or has labels that the model does not know.
    """
    model = load_bundle(path)
    return judge_data(model, *examples_for(path, model, data, label=label))


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
