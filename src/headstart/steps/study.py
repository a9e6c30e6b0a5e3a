"""A search and its trials: each a fit up to its validation scores, in a run folder of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, TextIO

import numpy as np

from headstart.artifact.run import (
    RunFolder,
    locked,
    new_run,
    read_json,
    unfinished_run,
    write_json,
)
from headstart.config.change import with_settings
from headstart.config.schema import Config
from headstart.contracts import Event, Validated
from headstart.durable import remove_folder
from headstart.errors import Held, NonFiniteLoss, RequestError
from headstart.evaluation.calibration import tempered
from headstart.steps.fitting import begun, learned
from headstart.steps.folds import fold_count
from headstart.steps.job import Job
from headstart.steps.learn import Learned
from headstart.steps.record import Clock
from headstart.training.stopping import TIME_LIMIT
from headstart.tuning.optimism import redrawn
from headstart.tuning.search import Outcome, Past, Search, Trial, Unfit
from headstart.tuning.space import Dimension, settings_of

GIVEN_UP = "given up"
# Of the time that a trial took, what its finish may take beside reading the data once more.
FINISH = 0.25
# Seconds between looks at what other processes do.
WAIT = 0.5
# Seconds after which a trial without a folder here is another machine's, or died before it had one.
GRACE = 3.0


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
    def asked(self) -> Path:
        """How many trials there are to be."""
        return self.path / "trials.json"

    @property
    def result(self) -> Path:
        """What came of it, for programs."""
        return self.path / "tune.json"

    @property
    def report(self) -> Path:
        """What came of it, for people."""
        return self.path / "tune.html"

    @property
    def trials(self) -> Path:
        """Of their run folders."""
        return self.path / "trials"

    def trial(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.trials / f"{number:04d}"

    def count(self) -> int | None:
        """How many trials were asked for last; None where nobody has."""
        return int(read_json(self.asked, "trials")["trials"]) if self.asked.exists() else None


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
        folds: of every trial, whatever its technique: they are compared on the same examples.
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
    folds: int
    clock: Clock
    spare: float
    stream: TextIO | None = None

    def run(self, trials: int) -> None:
        """Do trials until there are so many, those of other processes among them, or the time is over.

        Trials of processes that died are gone on with first. The number is kept for who goes on.
        """
        write_json(self.folder.asked, {"trials": trials})
        for past in self.search.past():
            if past.state == "running" and self._is_dead(past):
                with suppress(Held):
                    self._step(lambda number=past.number: self.search.go_on(number, self._do))  # type: ignore[misc]
        while len(self.search.past()) < trials and self._has_time():
            self._step(lambda: self.search.next(self._do))
        # Those that others still do may be better: all are to finish the same one.
        began = time.monotonic()
        while self._left() > 0:
            new = time.monotonic() - began < GRACE
            if not any(self._is_under_way(past, new=new) for past in self.search.past()):
                break
            time.sleep(WAIT)

    def best(self) -> Past | None:
        """The complete trial with the best metric; of equal ones that with the lowest loss."""
        complete = [past for past in self.search.past() if past.value is not None]
        sign = -1 if self.lower_is_better else 1

        def rank(past: Past) -> tuple[float, float]:
            return sign * (past.value or 0.0), -past.facts.get("loss", 0.0)

        return max(complete, key=rank, default=None)

    def request_of(self, chosen: Mapping[str, Any]) -> Config:
        """The request of a trial."""
        settings = settings_of(chosen, self.dimensions)
        fixed = {"time_limit": None, "out": None, "train.folds": self.folds}
        return with_settings(self.config, {**fixed, **settings})

    def _do(self, trial: Trial) -> Outcome:
        config = self.request_of(trial.chosen)
        with held(self.folder.trial(trial.number)) as folder:
            clock = Clock()
            try:
                job = begun(config, folder, clock)
                watch = _Watch(trial, job, self.lower_is_better)
                left = None if self.config.time_limit is None else clock.elapsed + max(self._left(), 1.0)
                config = replace(config, time_limit=left)
                job, done = learned(job, config, folder, clock, observers=(watch,), ask=watch.ask)
            except (RequestError, NonFiniteLoss) as error:
                raise Unfit(str(error)) from error
        stopped = {one.training.stopped for one in done.rounds}
        if stopped & {GIVEN_UP, TIME_LIMIT} or len(done.rounds) not in (0, fold_count(job)):
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
            # Where none is complete, the first is finished.
            if past.number != (0 if best is None else best.number) and checkpoints.exists():
                remove_folder(checkpoints)

    def _is_under_way(self, past: Past, *, new: bool) -> bool:
        """Whether another process here is busy with it; another machine's cannot be seen.

        Args:
            past: a trial.
            new: whether one without a folder may be about to make it.
        """
        if past.state != "running":
            return False
        return not self._is_dead(past) if self.folder.trial(past.number).exists() else new

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
        """Whether one more trial is worth it: not where the first has failed, or was cut short."""
        hopeless = self.best() is None and any(past.state != "running" for past in self.search.past())
        return not hopeless and self._left() > self._usual_seconds()


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


def _outcome(job: Job, done: Learned, *, seed: int) -> Outcome:
    """The metric of what a trial would return, and what is needed to correct it later."""
    outputs = tempered(done.val, done.temperature)
    scorers = job.task.scorers(outputs, [job.task.encode(example) for example in done.judged])
    once = np.ones((1, len(outputs)))
    watched, groups = job.task.watched, job.prepared.groups_of(done.judged)
    draws = redrawn(scorers[watched], groups, metric=watched, seed=seed)
    return Outcome(
        float(scorers[watched](once)[0]),
        {
            "loss": float(scorers[job.task.loss_metric](once)[0]),
            "returned": done.returned,
            "draws": asdict(draws),
        },
    )


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
def held(path: Path) -> Iterator[RunFolder]:
    """The run folder of a trial, new or left behind; locked."""
    held = unfinished_run(path) if RunFolder(path).config.exists() else new_run(path)
    with held as folder:
        yield folder
