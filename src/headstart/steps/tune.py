"""A search for settings, from a request to its best trial, finished."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from headstart.artifact.result import Run
from headstart.artifact.run import (
    RunFolder,
    name_for,
    next_free,
    write_json,
)
from headstart.config.schema import Config
from headstart.config.toml import dump
from headstart.contracts import Task
from headstart.durable import remove_folder, write_file_durably
from headstart.errors import Held, RequestError, RunFolderError
from headstart.planning.plan import Plan
from headstart.steps.fitting import fit_in
from headstart.steps.prepare import Prepared
from headstart.steps.record import Clock
from headstart.steps.resume import as_request
from headstart.steps.study import Study, StudyFolder, held
from headstart.tuning.optimism import Corrected, Redrawn, corrected
from headstart.tuning.page import StudyPage, render
from headstart.tuning.search import Past, Search
from headstart.tuning.space import settings_of, space

# Few validation examples do not tell many trials apart.
TRIALS, FEW_TRIALS, FEW_EXAMPLES = 20, 5, 200
# Seconds that the best trial is finished in, beside the time for reading the data once more.
SPARE = 5.0
FORMAT = 1


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


@contextmanager
def study_folder(config: Config, resume: Path | None) -> Iterator[StudyFolder]:
    """The folder of a new study, or of one that is gone on with; one without a trial is removed again.

    Raises:
        RunFolderError: there is one already where a new one was to be.
    """
    if resume is not None:
        yield StudyFolder(resume)
        return
    path = Path(config.out or next_free(Path("runs"), f"{name_for(Path(config.data.path))}-tune"))
    folder = StudyFolder(path)
    if folder.config.exists():
        raise RunFolderError(
            f"{path}: holds a search already.",
            f"Go on with `headstart tune --resume {path}`, or name another.",
        )
    there = path.exists()
    path.mkdir(parents=True, exist_ok=True)
    write_file_durably(folder.config, dump(as_request(config)).encode())
    try:
        yield folder
    finally:
        if not folder.trials.exists():
            folder.config.unlink()
            if not there:
                remove_folder(path)


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

    Raises:
        RequestError: there is nothing to search over.
    """
    if not plan.phases:
        raise RequestError(
            f"The technique {plan.technique} trains nothing step by step: there is nothing to search over.",
            "Leave --technique out, or `headstart fit` at once.",
        )
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
        folds=plan.folds,
        clock=clock,
        spare=SPARE + 1.5 * clock.elapsed,
        stream=stream,
    )


def usual_trials(n_val: int) -> int:
    """How many trials validation examples can tell apart."""
    return FEW_TRIALS if n_val < FEW_EXAMPLES else TRIALS


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
            with held(path) as folder:
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
        "test": {"n": run.test.n, **run.test.metrics[study.metric].state()},
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
    complete = [past for past in study.search.past() if past.value is not None and "draws" in past.facts]
    if best is None or best.value is None or best not in complete:
        return None
    return corrected(
        [Redrawn(**past.facts["draws"]) for past in complete],
        best=complete.index(best),
        seen=best.value,
        lower_is_better=study.lower_is_better,
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
