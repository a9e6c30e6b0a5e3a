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
from headstart.artifact.run import RunFolder, locked, new_run, read_json, unfinished_run
from headstart.config.schema import Config
from headstart.contracts import Task
from headstart.data.dataset import Finding
from headstart.errors import RequestError, counted
from headstart.evaluation.succession import MARGIN, Verdict, verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.records.versions import CHALLENGER, CHAMPION
from headstart.steps.challengers import (
    INPUTS,
    KIND,
    ChallengerFolder,
    decision_on,
    folder_for,
    unwritten,
    write_verdict,
)
from headstart.steps.evidence import contradiction_of, evidence_of, milliseconds_of
from headstart.steps.fitting import fit_in
from headstart.steps.joined import PARTS, Champion, New, joined_config, new_examples
from headstart.steps.prepare import modality_class
from headstart.steps.record import Clock
from headstart.steps.reference import keep_reference
from headstart.steps.run_data import Labelled, other_examples, request_of_run, splits_of_run
from headstart.steps.screen import show_findings
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
# Checks of who is champion, and was: they may come out otherwise the next time.
TAKEN_BACK = "rolled back"
PASSING = (CHAMPION, TAKEN_BACK)


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        needed: a sentence on why there is a challenger, or why not.
        trained: whether it was trained just now, and not by an earlier call.
        run: its run folder; None where there is no challenger, as for the next two.
        version: its number.
        verdict: the decision about it.
        sentences: on the new data.
        seconds: that all of it took: reading, training, comparing.
    """

    needed: str
    trained: bool = False
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
            "trained": self.trained,
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
        left = _promoted_by_stopped(records, folder, champion)
        needed, why = _is_needed(records, champion)
        told = () if left is None else (f"A call that was stopped promoted version {champion.number}.",)
        if if_needed and not needed and data is None:
            return Retrained(f"Not needed: {why}.", sentences=told)
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
        if left is not None and not new.part("train"):
            took = time.perf_counter() - began
            return _retrained("Nothing is new.", left, RunFolder(Path(champion.path)), told=told, took=took)
        _refuse_nothing_new(new, path)
        if not needed:
            why = f"asked for, with {counted(len(new.examples), 'new example')}"
        limit = time_limit or config.time_limit
        place = folder_for(folder, known, new, instead_of=champion.number, time_limit=limit)
        warnings = _warnings(model, known, new, data)
        trained = not place.finished
        if trained:
            show_findings(stream, [Finding("warning", "contradiction", text) for text in warnings])
            request = joined_config(config, place.data, known)
            request = replace(request, time_limit=limit, out=str(place.run.path))
            _train(place.run, request, stream=stream)
        version, _ = add_model(records, place.run.path, note=f"retrained: {why}")
        refusal = unwritten(records, place, version, "refused")
        held = refusal if refusal is not None and _holds(refusal, margin) else None
        decision = held or _judged(
            records,
            folder,
            (champion, version),
            runs=(run, place.run),
            data=(known, new),
            margin=margin,
            warnings=warnings,
        )
        write_verdict(place, decision)
    if not trained:
        told = (*told, _again(version, held=held is not None))
    told = (*told, *_told(new, known, place.run))
    took = time.perf_counter() - began
    return _retrained(f"Why now: {why}.", decision, place.run, trained=trained, told=told, took=took)


def _holds(refusal: Decision, margin: float) -> bool:
    """Whether it would be decided in the same way: by this margin, and whoever is champion."""
    found = Verdict.from_state(refusal.evidence)
    return found.margin == margin and all(check.passed for check in found.checks if check.name in PASSING)


def _retrained(
    needed: str,
    decision: Decision,
    run: RunFolder,
    *,
    trained: bool = False,
    told: tuple[str, ...] = (),
    took: float,
) -> Retrained:
    """What came of it, where a challenger was decided on."""
    found = Verdict.from_state(decision.evidence)
    return Retrained(needed, trained, run.path, decision.version, found, told, took)


def _again(version: Version, *, held: bool) -> str:
    """That a challenger was there already.

    Args:
        version: the challenger's.
        held: whether the decision of a call that was stopped holds; else it is judged.
    """
    then = (
        "what the call decided that was stopped then holds" if held else "it is judged by what is there now"
    )
    return f"Nothing is trained: version {version.number} was trained from exactly this; {then}."


def _warnings(model: Model, known: Champion, new: New, data: Path | None) -> tuple[str, ...]:
    """Sentences on new data that looks wrong."""
    found = None if data is None else contradiction_of(model, known, new)
    return () if found is None else (found.told(str(data)),)


def _promoted_by_stopped(records: Records, folder: ServiceFolder, champion: Version) -> Decision | None:
    """The decision that made the champion it, where the call was stopped before it was written down.

    It is written down.
    """
    run = Path(champion.path)
    if run.parent.parent != folder.retrained.resolve():
        return None
    place = ChallengerFolder(run.parent)
    decision = unwritten(records, place, champion, "promoted")
    if decision is not None:
        write_verdict(place, decision)
    return decision


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
    tried = [one.at for one in records.decisions() if one.kind == KIND]
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


def _train(run: RunFolder, config: Config, *, stream: TextIO | None) -> None:
    """The run of a challenger, on from where it was left."""
    with (unfinished_run if run.config.exists() else new_run)(run.path) as folder:
        fit_in(folder, config, Clock(), stream)


def _judged(
    records: Records,
    folder: ServiceFolder,
    versions: tuple[Version, Version],
    *,
    runs: tuple[RunFolder, RunFolder],
    data: tuple[Champion, New],
    margin: float,
    warnings: tuple[str, ...],
) -> Decision:
    """Compare champion and challenger, and decide.

    Args:
        records: of the service.
        folder: of the service.
        versions: champion and challenger.
        runs: theirs.
        data: the champion's, and what is new.
        margin: what the challenger may be worse.
        warnings: that the verdict carries.
    """
    champion, challenger = versions
    records.set_alias(CHALLENGER, challenger.number, why="retrained")
    models = (opened(champion), opened(challenger))
    evidence = evidence_of(models, runs, *data)
    times = milliseconds_of(models, data[0].parts["test"][0][0])
    found = replace(verdict(evidence, times, margin=margin), warnings=warnings)
    if any(number == challenger.number for number, _, _ in records.history(CHAMPION)):
        found = found.but(
            TAKEN_BACK,
            f"Version {challenger.number} was champion, and was taken back; "
            f"`headstart versions --promote {challenger.number}` makes it champion again.",
        )
    return _decide(records, folder, challenger, models[1], found, instead_of=champion.number)


def _decide(
    records: Records,
    folder: ServiceFolder,
    version: Version,
    model: Model,
    found: Verdict,
    *,
    instead_of: int,
) -> Decision:
    """Promote or refuse, and record why; the decision that holds.

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
        decision = decision_on(version, found)
        if records.succeed(decision, instead_of=instead_of):
            return decision
        found = found.but(CHAMPION, f"Version {instead_of}, which it was compared with, is not champion.")
    decision = decision_on(version, found)
    records.add_decision(decision)
    return decision


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
