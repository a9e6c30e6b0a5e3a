"""A search for settings: each trial a fit up to its validation scores; the best one is then finished."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, TextIO

import numpy as np

from headstart.artifact.result import Run
from headstart.artifact.run import (
    RunFolder,
    locked,
    name_for,
    new_run,
    next_free,
    unfinished_run,
    write_json,
)
from headstart.config.schema import Config
from headstart.config.toml import dump
from headstart.contracts import Event, Task, Validated
from headstart.durable import remove_folder, write_file_durably
from headstart.errors import Held, NonFiniteLoss, RequestError, RunFolderError
from headstart.evaluation.calibration import tempered
from headstart.planning.plan import Plan
from headstart.steps.fitting import begun, fit_in, learned
from headstart.steps.job import Job
from headstart.steps.learn import Learned
from headstart.steps.prepare import Prepared
from headstart.steps.record import Clock
from headstart.steps.resume import as_request
from headstart.training.stopping import TIME_LIMIT
from headstart.tuning.optimism import Corrected, Redrawn, corrected, redrawn
from headstart.tuning.page import StudyPage, render
from headstart.tuning.search import Outcome, Past, Search, Trial, Unfit
from headstart.tuning.space import Dimension, settings_of, space

# Few validation examples do not tell many trials apart.
TRIALS, FEW_TRIALS, FEW_EXAMPLES = 20, 5, 200
GIVEN_UP = "given up"
# Of the time that a trial took, what its finish may take beside reading the data once more.
FINISH = 0.25
# Seconds that the best trial is finished in, beside the time for reading the data once more.
SPARE = 5.0
FORMAT = 1


@dataclass(frozen=True)
class StudyFolder:
    """Where a search lies.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The request."""
        return self.path / "config.toml"

    @property
    def result(self) -> Path:
        """What came of it, for programs."""
        return self.path / "tune.json"

    @property
    def report(self) -> Path:
        """What came of it, for people."""
        return self.path / "tune.html"

    def trial(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.path / "trials" / f"{number:04d}"


@dataclass(frozen=True)
class Tuned:
    """What a search gives.

    Attributes:
        path: its folder.
        run: the best trial, finished: evaluated on test data, saved, with its report.
        settings: that the best trial has, where they are not the usual ones.
        result: as tune.json has it.
    """

    path: Path
    run: Run
    settings: Mapping[str, Any]
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A search and all that its trials share.

    Attributes:
        config: the request.
        folder: where it lies.
        search: chooses.
        dimensions: searched over.
        metric: on validation data, by which trials are compared.
        lower_is_better: whether it is an error.
        n_val: validation examples.
        clock: has counted since the request.
        spare: seconds that are kept for finishing the best trial.
        stream: where a line is written for each trial; None shows nothing.
    """

    config: Config
    folder: StudyFolder
    search: Search
    dimensions: Sequence[Dimension]
    metric: str
    lower_is_better: bool
    n_val: int
    clock: Clock
    spare: float
    stream: TextIO | None = None

    def run(self, trials: int) -> None:
        """Do trials until there are so many, or the time is over.

        Trials of processes that died are gone on with first.
        """
        for past in self.search.past():
            if past.state == "running" and self._is_dead(past):
                with suppress(Held):
                    self._step(lambda number=past.number: self.search.go_on(number, self._do))  # type: ignore[misc]
        while self._ended() < trials and self._has_time():
            self._step(lambda: self.search.next(self._do))

    def best(self) -> Past | None:
        """The complete trial with the best metric; of equal ones that with the lowest loss."""
        complete = [past for past in self.search.past() if past.value is not None]
        sign = -1 if self.lower_is_better else 1

        def rank(past: Past) -> tuple[float, float]:
            return sign * (past.value or 0.0), -past.facts.get("loss", 0.0)

        return max(complete, key=rank, default=None)

    def request_of(self, chosen: Mapping[str, Any]) -> Config:
        """The request of a trial."""
        request = replace(self.config, time_limit=None, out=None)
        return with_settings(request, settings_of(chosen, self.dimensions))

    def _do(self, trial: Trial) -> Outcome:
        config = self.request_of(trial.chosen)
        with _held(self.folder.trial(trial.number)) as folder:
            clock = Clock()
            try:
                job = begun(config, folder, clock)
                watch = _Watch(trial, job, self.lower_is_better)
                left = None if self.config.time_limit is None else clock.elapsed + max(self._left(), 1.0)
                config = replace(config, time_limit=left)
                job, done = learned(job, config, folder, clock, observers=(watch,), ask=watch.ask)
            except (RequestError, NonFiniteLoss) as error:
                raise Unfit(str(error)) from error
        stopped = done.training.stopped if done.training else None
        if stopped in (GIVEN_UP, TIME_LIMIT):
            # Cut short it is not what its settings give.
            raise trial.give_up()
        return _outcome(job, done, seed=self.config.seed)

    def _step(self, step: Callable[[], None]) -> None:
        """Do a step of the search, say what came of it, and keep no checkpoints but those of the best."""
        before = {past.number for past in self.search.past() if past.state != "running"}
        step()
        best = self.best()
        for past in self.search.past():
            if past.state == "running":
                continue
            if past.number not in before and self.stream is not None:
                settings = settings_of(past.chosen, self.dimensions)
                print(_line(past, best, self.metric, settings), file=self.stream, flush=True)
            checkpoints = RunFolder(self.folder.trial(past.number)).checkpoints
            if (best is None or past.number != best.number) and checkpoints.exists():
                remove_folder(checkpoints)

    def _is_dead(self, past: Past) -> bool:
        """Whether no process has its run folder; another machine's cannot be seen here."""
        path = self.folder.trial(past.number)
        if not path.exists():
            return False
        try:
            with locked(RunFolder(path)):
                return True
        except Held:
            return False

    def _ended(self) -> int:
        return sum(past.state != "running" for past in self.search.past())

    def _left(self) -> float:
        """Seconds for trials; what finishes the best is kept."""
        if self.config.time_limit is None:
            return math.inf
        return self.config.time_limit - self.clock.elapsed - self.spare - FINISH * self._usual_seconds()

    def _usual_seconds(self) -> float:
        """Of a complete trial; 0 before there is one."""
        took = [past.seconds for past in self.search.past() if past.value is not None and past.seconds]
        return median(took) if took else 0.0

    def _has_time(self) -> bool:
        return self._left() > self._usual_seconds()


class _Watch:
    """Tells a trial how its training goes, and asks it to stop where it is given up."""

    def __init__(self, trial: Trial, job: Job, lower_is_better: bool) -> None:
        self._trial = trial
        self._epochs = max(1, sum(phase.epochs for phase in job.plan.phases))
        self._sign = -1 if lower_is_better else 1
        self._best = -math.inf
        self._given_up = False

    def notify(self, event: Event) -> None:
        """Hear of a validation."""
        if isinstance(event, Validated) and math.isfinite(event.metric):
            self._best = max(self._best, self._sign * event.metric)
            self._given_up |= self._trial.tell(event.epoch / self._epochs, self._sign * self._best)

    def ask(self) -> str | None:
        """Why to stop, or None."""
        return GIVEN_UP if self._given_up else None

    def close(self) -> None:
        """Nothing is open."""


def open_study(config: Config, resume: Path | None) -> StudyFolder:
    """The folder of a new study, or of one that is gone on with; its request is written there.

    Raises:
        RunFolderError: there is one already where a new one was to be.
    """
    if resume is not None:
        return StudyFolder(resume)
    path = config.out or next_free(Path("runs"), f"{name_for(Path(config.data.path))}-tune")
    folder = StudyFolder(Path(path))
    if folder.config.exists():
        raise RunFolderError(
            f"{path}: holds a search already.",
            f"Go on with `headstart tune --resume {path}`, or name another.",
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    write_file_durably(folder.config, dump(as_request(config)).encode())
    return folder


def study_of(
    config: Config,
    folder: StudyFolder,
    plan: Plan,
    task: Task,
    prepared: Prepared,
    *,
    clock: Clock,
    storage: str | None,
    name: str | None,
    stream: TextIO | None,
) -> Study:
    """The search that a request leaves open.

    Args:
        config: the request.
        folder: of the study.
        plan: of what is done without a search.
        task: with its labels.
        prepared: the data.
        clock: has counted since the request.
        storage: address of a database; None is a journal in the folder.
        name: of the study in the storage; None is that of the folder.
        stream: where a line is written for each trial.
    """
    dimensions = space(config, plan, varies=prepared.supply.modality.varies, probed=task.probed)
    lower = task.watched in task.lower_is_better
    return Study(
        config=config,
        folder=folder,
        search=Search(
            folder.path,
            name=name or folder.path.resolve().name,
            url=storage,
            dimensions=dimensions,
            lower_is_better=lower,
            seed=config.seed,
        ),
        dimensions=dimensions,
        metric=task.watched,
        lower_is_better=lower,
        n_val=len(prepared.part("val")),
        clock=clock,
        spare=SPARE + 1.5 * clock.elapsed,
        stream=stream,
    )


def usual_trials(n_val: int) -> int:
    """How many trials validation examples can tell apart."""
    return FEW_TRIALS if n_val < FEW_EXAMPLES else TRIALS


def with_settings(config: Config, settings: Mapping[str, Any]) -> Config:
    """A request with settings by dotted key."""
    for key, value in settings.items():
        config = _with(config, key, tuple(value) if isinstance(value, list) else value)
    return config


def finish(study: Study) -> Tuned:
    """Finish the best trial, and write down what came of all.

    Where no trial got to its end in time, the first is finished in the time that is left.
    """
    best = study.best()
    number = 0 if best is None else best.number
    chosen = {} if best is None else best.chosen
    limit, left = study.config.time_limit, None
    if best is None and limit is not None:
        left = max(limit - study.clock.elapsed, 1.0)
    path = study.folder.trial(number)
    while not RunFolder(path).result.exists():
        try:
            with _held(path) as folder:
                fit_in(folder, replace(study.request_of(chosen), time_limit=left), Clock())
        except Held:
            # Another process of this search finishes it.
            time.sleep(1)
    run = Run.open(path)
    found = _corrected(study, best)
    settings = settings_of(chosen, study.dimensions)
    state: dict[str, Any] = {
        "format": FORMAT,
        "metric": study.metric,
        "lower_is_better": study.lower_is_better,
        "n_val": study.n_val,
        "best": number,
        "run": str(path),
        "settings": settings,
        "expected": found.state() if found else None,
        "importances": study.search.importances(),
        "trials": [_state(past, study) for past in study.search.past()],
        "seconds": round(study.clock.elapsed, 3),
    }
    write_json(study.folder.result, state)
    page = render(StudyPage(study.folder.path.resolve().name, state, run.result))
    write_file_durably(study.folder.report, page.encode())
    return Tuned(study.folder.path, run, settings, state)


def _corrected(study: Study, best: Past | None) -> Corrected | None:
    """What is to be expected of the best trial on other examples."""
    complete = [past for past in study.search.past() if past.value is not None and "inside" in past.facts]
    if best is None or best.value is None or best not in complete:
        return None
    return corrected(
        [Redrawn(past.facts["inside"], past.facts["outside"]) for past in complete],
        best=complete.index(best),
        seen=best.value,
        lower_is_better=study.lower_is_better,
    )


def _outcome(job: Job, done: Learned, *, seed: int) -> Outcome:
    """The metric of what a trial would return, and what is needed to correct it later."""
    outputs = tempered(done.val, done.temperature)
    scorers = job.task.scorers(outputs, job.targets("val"))
    once = np.ones((1, len(outputs)))
    draws = redrawn(scorers[job.task.watched], job.prepared.groups_of(job.prepared.part("val")), seed=seed)
    return Outcome(
        float(scorers[job.task.watched](once)[0]),
        {
            "loss": float(scorers[job.task.loss_metric](once)[0]),
            "returned": done.returned,
            "inside": draws.inside,
            "outside": draws.outside,
        },
    )


def _state(past: Past, study: Study) -> dict[str, Any]:
    """A trial as tune.json has it."""
    return {
        "number": past.number,
        "state": past.state,
        "value": past.value,
        "settings": settings_of(past.chosen, study.dimensions),
        "returned": past.facts.get("returned"),
        "seconds": past.seconds,
    }


def _line(past: Past, best: Past | None, metric: str, settings: Mapping[str, Any]) -> str:
    """A trial in one line."""
    words = {"pruned": "given up", "fail": "failed"}
    value = words.get(past.state, past.state) if past.value is None else f"{metric} {past.value:.4f}"
    mark = "  best" if best is not None and best.number == past.number else ""
    seconds = f"  {past.seconds:.0f} s" if past.seconds is not None else ""
    chosen = ", ".join(f"{key} {_short(value)}" for key, value in settings.items()) or "as usual"
    return f"trial {past.number}: {value}{mark}{seconds}  {chosen}"


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


@contextmanager
def _held(path: Path) -> Iterator[RunFolder]:
    """The run folder of a trial, new or left behind; locked."""
    held = unfinished_run(path) if RunFolder(path).config.exists() else new_run(path)
    with held as folder:
        yield folder


def _with(value: Any, key: str, new: Any) -> Any:
    """A dataclass with another value at a dotted key."""
    name, _, rest = key.partition(".")
    return replace(value, **{name: _with(getattr(value, name), rest, new) if rest else new})
