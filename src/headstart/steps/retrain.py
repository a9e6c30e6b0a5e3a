"""A challenger: trained on the champion's data and what was labelled since, and promoted if no worse."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from headstart.artifact.bundle import load_bundle
from headstart.artifact.golden import check
from headstart.artifact.model import Model
from headstart.artifact.run import RunFolder, locked, new_run, next_free, read_json, write_json
from headstart.config.schema import Config
from headstart.contracts import Example
from headstart.errors import RequestError, counted
from headstart.evaluation.succession import MARGIN, Pair, Sheet, Verdict, verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.records.versions import CHALLENGER, CHAMPION
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
    said_by,
    service_folder,
)
from headstart.tasks.classification import Classification
from headstart.tasks.labels import label_names

# New labels that are reason enough to train again.
ENOUGH = 50
# How often an input is timed.
ROUNDS = 7
VERDICT = "verdict.json"


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
        known = Champion(
            task=model.task.name,
            labels=model.labels,
            several=isinstance(model.task, Classification) and model.task.multi_label,
            scan=modality_class(model.task).scan,
            parts=splits_of_run(run, config, *PARTS),
        )
        place = next_free(folder.retrained, "challenger")
        given = other_examples(config, data, label)[0] if data else ()
        new = new_examples(records, given, known, inputs=place / "inputs")
        _refuse_nothing_new(new, path)
        if not needed:
            why = f"asked for, with {counted(len(new.examples), 'new example')}"
        request = replace(config, time_limit=time_limit or config.time_limit)
        challenger = _trained(place, request, known, new, stream=stream)
        version, _ = add_model(records, challenger, note=f"retrained: {why}")
        records.set_alias(CHALLENGER, version.number, why="retrained")
        models = (opened(champion), opened(version))
        found = _compared(models, known.parts["test"], new.part("test"), margin)
        found = _decide(records, folder, version, models[1], found, instead_of=champion.number)
        write_json(place / VERDICT, found.state())
    told = _told(new, known, challenger)
    took = time.perf_counter() - began
    return Retrained(f"Why now: {why}.", challenger, version.number, found, told, took)


@contextmanager
def _alone(folder: ServiceFolder) -> Iterator[None]:
    """Let no other process retrain meanwhile; what one that did not end has left is removed.

    Raises:
        Held: another does.
    """
    folder.retrained.mkdir(exist_ok=True)
    with locked(RunFolder(folder.retrained)):
        for place in folder.retrained.iterdir():
            if place.is_dir() and not (place / VERDICT).is_file():
                shutil.rmtree(place)
        yield


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


def _trained(
    place: Path,
    config: Config,
    champion: Champion,
    new: New,
    *,
    stream: TextIO | None,
) -> Path:
    """The run folder of a challenger."""
    parts = champion.parts
    groups = {name: key for _, each in parts.values() for name, key in each.items()}
    joined = {name: (*parts[name][0], *new.part(name)) for name in PARTS}
    data = place / "data"
    write_joined(data, joined, groups, several=champion.several)
    request = joined_config(config, data, joined["train"][0], several=champion.several)
    out = place / "run"
    request = replace(request, out=str(out))
    with new_run(out) as folder:
        fit_in(folder, request, Clock(), stream)
    return out


def _compared(
    models: tuple[Model, Model], frozen: Labelled, recent: Sequence[Example], margin: float
) -> Verdict:
    """Champion and challenger on the champion's test set, and on what was labelled since."""
    examples, groups = frozen
    first = _pair(models, examples, groups)
    second = _pair(models, recent, {one.id: one.group for one in recent if one.group}) if recent else None
    return verdict(first, second, _latencies(models, examples), margin=margin)


def _pair(models: tuple[Model, Model], examples: Sequence[Example], groups: Mapping[str, str]) -> Pair:
    champion, challenger = (_sheet(model, examples) for model in models)
    return Pair(
        champion,
        challenger,
        [groups.get(example.id, example.id) for example in examples],
        [label_names(example) for example in examples],
    )


def _sheet(model: Model, examples: Sequence[Example]) -> Sheet:
    right, sure = [], []
    for example, answer in zip(examples, model.predict(one.input for one in examples), strict=True):
        said = said_by(answer.label, answer.scores)
        right.append(said == set(label_names(example)))
        shares = [share if name in said else 1 - share for name, share in answer.scores.items()]
        sure.append(answer.score if answer.score is not None else float(np.mean(shares)))
    return Sheet(np.array(right, dtype=bool), np.array(sure))


def _latencies(models: tuple[Model, Model], examples: Sequence[Example]) -> tuple[float, float]:
    """Milliseconds of one input, of both: medians, turn by turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    value = examples[0].input
    for turn in range(ROUNDS + 1):
        for model, times in zip(models, taken, strict=True):
            began = time.perf_counter()
            model.answer([model.view(value, name="a test example")], [value])
            if turn:
                times.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[0]), statistics.median(taken[1])


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


def _told(new: New, champion: Champion, challenger: Path) -> tuple[str, ...]:
    """What became of the new data."""
    purposes = (("train", "learn from"), ("val", "validate"), ("test", "judge"))
    counts = ", ".join(f"{len(new.part(name))} to {what}" for name, what in purposes)
    said = [f"{counted(len(new.examples), 'new example')}: {counts}."]
    labels = {name for example in new.examples for name in label_names(example)}
    if fresh := sorted(labels.difference(champion.labels)):
        said.append(f"New labels: {', '.join(fresh)}.")
    used = read_json(RunFolder(challenger).data, "splits")["splits"]
    joined = len(new.examples) + sum(len(examples) for examples, _ in champion.parts.values())
    if dropped := joined - sum(len(used[name]) for name in PARTS):
        said.append(
            f"{counted(dropped, 'example')} left out of old and new data together: copies and members of "
            "groups of what judges or validates."
        )
    return (*said, *new.left_out())
