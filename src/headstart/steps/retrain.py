"""A challenger: trained on the champion's data and what was labelled since, and promoted if no worse."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from headstart.artifact.bundle import load_bundle
from headstart.artifact.golden import check
from headstart.artifact.model import Model
from headstart.artifact.run import (
    RunFolder,
    locked,
    new_run,
    next_free,
    read_json,
    unfinished_run,
    write_json,
)
from headstart.config.schema import Config
from headstart.contracts import Task
from headstart.errors import RequestError, counted
from headstart.evaluation.succession import MARGIN, Verdict, verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.records.versions import CHALLENGER, CHAMPION
from headstart.steps.evidence import evidence_of, milliseconds_of
from headstart.steps.fitting import fit_in
from headstart.steps.joined import PARTS, Champion, New, joined_config, new_examples, write_joined
from headstart.steps.prepare import modality_class
from headstart.steps.record import Clock
from headstart.steps.reference import keep_reference
from headstart.steps.run_data import Labelled, other_examples, request_of_run, splits_of_run
from headstart.steps.service import (
    ServiceFolder,
    add_model,
    champion_of,
    opened,
    run_of,
    service_folder,
)
from headstart.tasks.labels import label_names

# New labels that are reason enough to train again.
ENOUGH = 50
# In the folder of a challenger: what it is trained from; that it was judged. Beside: inputs that were kept.
DATA, RUN, ORDER, VERDICT, INPUTS = "data", "run", "order.json", "verdict.json", "inputs"


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        needed: a sentence on why a challenger was trained, or why not.
        run: its run folder; None where none was trained.
        version: its number; None where none was trained.
        verdict: None where none was trained.
        sentences: on the new data.
        seconds: that all of it took: reading, training, comparing.
    """

    needed: str
    run: Path | None = None
    version: int | None = None
    verdict: Verdict | None = None
    sentences: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def promoted(self) -> bool:
        """Whether the challenger is champion now."""
        return self.verdict is not None and self.verdict.promoted

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "needed": self.needed,
            "trained": self.run is not None,
            "run": self.run and str(self.run),
            "version": self.version,
            "promoted": self.promoted,
            "data": list(self.sentences),
            "seconds": self.seconds,
            "verdict": self.verdict and self.verdict.state(),
        }


def retrain_service(
    path: Path,
    data: Path | None = None,
    *,
    label: str | None = None,
    if_needed: bool = False,
    margin: float = MARGIN,
    time_limit: float | None = None,
    stream: TextIO | None = None,
) -> Retrained:
    """Train a challenger, compare it with the champion, and promote or refuse it.

    Args:
        path: of the service.
        data: new labelled examples, beside those that were corrected; None is none.
        label: column of `data` with the labels.
        if_needed: whether to do it only after an alarm, or when enough labels have come.
        margin: what the challenger may be worse, as a share of answers.
        time_limit: of its training alone, in seconds; None is that of the champion.
        stream: where progress is shown; None shows nothing.

    Raises:
        RequestError: there is no service, its champion is of no run, or there is nothing new.
        HeadstartError: the data of the champion is gone, or the challenger cannot be trained.
    """
    began = time.perf_counter()
    folder = service_folder(path)
    with Records(folder.records, create=False) as records, _alone(folder):
        champion = champion_of(records, path)
        needed, why = _is_needed(records, champion)
        if if_needed and not needed and data is None:
            return Retrained(f"Not needed: {why}.")
        model = load_bundle(Path(champion.path))
        if not model.task.probed:
            raise RequestError(
                f"{path}: {model.task.name} cannot be corrected label by label.",
                "Train it again with headstart fit, and add it with headstart versions --add.",
            )
        run = run_of(Path(champion.path))
        config = request_of_run(run, model.task)
        known = _known(model.task, splits_of_run(run, config, *PARTS))
        given = other_examples(config, data, label)[0] if data else ()
        new = new_examples(records, given, known, inputs=folder.retrained / INPUTS)
        _refuse_nothing_new(new, path)
        if not needed:
            why = f"asked for, with {counted(len(new.examples), 'new example')}"
        place = _place(folder, known, new, instead_of=champion.number)
        challenger = RunFolder(place / RUN)
        request = joined_config(config, place / DATA, known)
        request = replace(request, time_limit=time_limit or config.time_limit, out=str(challenger.path))
        _train(challenger, request, stream=stream)
        version, _ = add_model(records, challenger.path, note=f"retrained: {why}")
        records.set_alias(CHALLENGER, version.number, why="retrained")
        models = (opened(champion), opened(version))
        evidence = evidence_of(models, (run, challenger), known, new)
        times = milliseconds_of(models, known.parts["test"][0][0])
        found = verdict(evidence, times, margin=margin)
        found = _decide(records, folder, version, models[1], found, instead_of=champion.number)
        write_json(place / VERDICT, found.state())
    told = _told(new, known, challenger)
    took = time.perf_counter() - began
    return Retrained(f"Why now: {why}.", challenger.path, version.number, found, told, took)


@contextmanager
def _alone(folder: ServiceFolder) -> Iterator[None]:
    """Let no other process retrain meanwhile; inputs are there as long.

    Raises:
        Held: another does.
    """
    folder.retrained.mkdir(exist_ok=True)
    with locked(RunFolder(folder.retrained)):
        inputs = folder.retrained / INPUTS
        shutil.rmtree(inputs, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(inputs, ignore_errors=True)


def _is_needed(records: Records, champion: Version) -> tuple[bool, str]:
    """Whether something has happened since the champion became it, and what."""
    promoted = [at for number, at, _ in records.history(CHAMPION) if number == champion.number]
    tried = [one.at for one in records.decisions() if one.kind == "retrain"]
    since = max(promoted + tried, default=0.0)
    rang = [window for window in records.windows(champion.number) if window.alarm and window.at > since]
    labels = [said for _, said in records.feedback() if said.at > since]
    if rang:
        return True, "an alarm rang" if len(rang) == 1 else f"{len(rang)} alarms rang"
    if len(labels) >= ENOUGH:
        return True, f"{counted(len(labels), 'correction')} came since"
    few = f"{counted(len(labels), 'correction')} came since the last time"
    return False, f"no alarm rang, and {few}; {ENOUGH} would be enough"


def _refuse_nothing_new(new: New, path: Path) -> None:
    if not new.part("train"):
        found = f"{counted(len(new.examples), 'new labelled example')}, none of them to learn from"
        raise RequestError(
            " ".join([f"{path}: {found}.", *new.left_out()]),
            "Name new DATA, or serve with --keep-inputs where those who send inputs consent.",
        )


def _known(task: Task, parts: Mapping[str, Labelled]) -> Champion:
    return Champion(
        task=task.name,
        labels=task.labels,
        several=task.multi_label,
        scan=modality_class(task).scan,
        parts=parts,
    )


def _place(folder: ServiceFolder, known: Champion, new: New, *, instead_of: int) -> Path:
    """The folder of a challenger, with its data: one that was left half way, or a new one.

    What was left of other data is removed, unless it is finished: it may have become a version.

    Args:
        folder: of the service.
        known: the champion's data.
        new: what comes to it.
        instead_of: the number of the champion.
    """
    order = {"champion": instead_of, "known": known.digest(), "new": new.digest()}
    for place in folder.retrained.iterdir():
        if not place.is_dir() or place.name == INPUTS or (place / VERDICT).is_file():
            continue
        if (place / ORDER).is_file() and read_json(place / ORDER) == order:
            return place
        if not RunFolder(place / RUN).result.exists():
            shutil.rmtree(place)
    place = next_free(folder.retrained, "challenger")
    write_joined(place / DATA, known, new)
    write_json(place / ORDER, order)
    return place


def _train(run: RunFolder, config: Config, *, stream: TextIO | None) -> None:
    """The run of a challenger, on from where it was left."""
    if run.result.exists():
        return
    with (unfinished_run if run.config.exists() else new_run)(run.path) as folder:
        fit_in(folder, config, Clock(), stream)


def _decide(
    records: Records,
    folder: ServiceFolder,
    version: Version,
    model: Model,
    found: Verdict,
    *,
    instead_of: int,
) -> Verdict:
    """Promote or refuse, and write down why; the verdict that holds.

    Args:
        records: of the service.
        folder: of the service.
        version: the challenger's.
        model: the challenger.
        found: the comparison.
        instead_of: the number of the champion that it was compared with.
    """
    if found.promoted:
        check(model)
        keep_reference(folder, version, model)
        if records.succeed(_decision(version, found), instead_of=instead_of):
            return found
        found = found.but("champion", f"Version {instead_of}, which it was compared with, is not champion.")
    records.add_decision(_decision(version, found))
    return found


def _decision(version: Version, found: Verdict) -> Decision:
    outcome = "promoted" if found.promoted else "refused"
    return Decision(time.time(), "retrain", version.number, outcome, found.why, found.state())


def _told(new: New, champion: Champion, challenger: RunFolder) -> tuple[str, ...]:
    """What became of the new data."""
    purposes = (("train", "learn from"), ("val", "validate"), ("test", "judge"))
    counts = ", ".join(f"{len(new.part(name))} to {what}" for name, what in purposes)
    said = [f"{counted(len(new.examples), 'new example')}: {counts}."]
    labels = {name for example in new.examples for name in label_names(example)}
    if fresh := sorted(labels.difference(champion.labels)):
        said.append(f"New labels: {', '.join(fresh)}.")
    used = read_json(challenger.data, "splits")["splits"]
    joined = len(new.examples) + sum(len(examples) for examples, _ in champion.parts.values())
    if dropped := joined - sum(len(used[name]) for name in PARTS):
        said.append(
            f"{counted(dropped, 'example')} left out of old and new data together: copies and members of "
            "groups of what judges or validates."
        )
    return (*said, *new.left_out())
