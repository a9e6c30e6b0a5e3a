"""A challenger: trained on the champion's data and what was labelled since, and promoted if no worse."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from headstart.artifact.bundle import load_bundle
from headstart.artifact.golden import check
from headstart.artifact.model import Model
from headstart.artifact.run import new_run, next_free, write_json
from headstart.config.schema import Config
from headstart.contracts import Example
from headstart.errors import RequestError, counted
from headstart.evaluation.succession import MARGIN, Pair, Sheet, Verdict, verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.steps.fitting import fit_in
from headstart.steps.joined import PARTS, New, joined_config, new_examples, refuse_new_labels, write_joined
from headstart.steps.judge import Labelled, other_examples, request_of_run, splits_of_run
from headstart.steps.record import Clock
from headstart.steps.service import (
    CHALLENGER,
    CHAMPION,
    ServiceFolder,
    add_model,
    champion_of,
    keep_reference,
    opened,
    run_of,
    said_by,
    service_folder,
)
from headstart.tasks.classification import Classification
from headstart.tasks.labels import label_names

# New labels that are reason enough to train again; and of a label that the champion does not know.
ENOUGH, LEAST_OF_LABEL = 50, 10
ROUNDS = 7


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        needed: a sentence on why a challenger was trained, or why not.
        run: its run folder; None where none was trained.
        version: its number; None where none was trained.
        verdict: None where none was trained.
        sentences: on the new data.
    """

    needed: str
    run: Path | None = None
    version: int | None = None
    verdict: Verdict | None = None
    sentences: tuple[str, ...] = ()

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
        time_limit: of its training, in seconds; None is that of the champion.
        stream: where progress is shown; None shows nothing.

    Raises:
        RequestError: there is no service, its champion is of no run, or there is nothing new.
        HeadstartError: the data of the champion is gone, or the challenger cannot be trained.
    """
    folder = service_folder(path)
    with Records(folder.records, create=False) as records:
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
        parts = splits_of_run(run, config, *PARTS)
        place = next_free(folder.retrained, "challenger")
        given = other_examples(config, data, label)[0] if data else ()
        before = [example for examples, _ in parts.values() for example in examples]
        new = new_examples(records, given, before, place / "inputs")
        _refuse_nothing_new(new, path)
        fresh = refuse_new_labels(new, model.labels, least=LEAST_OF_LABEL)
        request = replace(config, time_limit=time_limit or config.time_limit)
        challenger = _trained(place, request, parts, new, several=_several(model), stream=stream)
        version, _ = add_model(records, challenger, note=f"retrained: {why}")
        records.set_alias(CHALLENGER, version.number, why="retrained")
        models = (opened(champion), opened(version))
        found = _compared(models, parts["test"], new.part("test"), margin)
        _decide(records, folder, version, models[1], found)
        write_json(place / "verdict.json", found.state())
    return Retrained(f"Why now: {why}.", challenger, version.number, found, _told(new, fresh))


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
    if new.examples:
        return
    lost = (
        f" {counted(new.without_input, 'correction')} came, but their inputs were not kept."
        if new.without_input
        else ""
    )
    raise RequestError(
        f"{path}: there is no new labelled example to learn from.{lost}",
        "Name new DATA, or serve with --keep-inputs where those who send inputs consent.",
    )


def _several(model: Model) -> bool:
    """Whether an example may have several labels."""
    return isinstance(model.task, Classification) and model.task.multi_label


def _trained(
    place: Path,
    config: Config,
    parts: Mapping[str, Labelled],
    new: New,
    *,
    several: bool,
    stream: TextIO | None,
) -> Path:
    """The run folder of a challenger."""
    groups = {name: key for _, each in parts.values() for name, key in each.items()}
    joined = {name: (*parts[name][0], *new.part(name)) for name in PARTS}
    data = place / "data"
    write_joined(data, joined, groups, separator=config.data.separator)
    request = joined_config(config, data, joined["train"][0], several=several)
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
    second = _pair(models, recent, {}) if recent else None
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


def _decide(records: Records, folder: ServiceFolder, version: Version, model: Model, found: Verdict) -> None:
    """Promote or refuse, and write down why."""
    outcome = "promoted" if found.promoted else "refused"
    if found.promoted:
        check(model)
        keep_reference(folder, version, model)
        records.set_alias(CHAMPION, version.number, why=found.why)
        records.remove_alias(CHALLENGER, why="it is champion")
    records.add_decision(Decision(time.time(), "retrain", version.number, outcome, found.why, found.state()))


def _told(new: New, fresh: Sequence[str]) -> tuple[str, ...]:
    counts = ", ".join(
        f"{len(new.part(name))} to {what}"
        for name, what in (("train", "learn from"), ("val", "validate"), ("test", "judge"))
    )
    said = [f"{counted(len(new.examples), 'new example')}: {counts}."]
    if fresh:
        said.append(f"New labels: {', '.join(fresh)}.")
    if new.without_input:
        said.append(f"{counted(new.without_input, 'correction')} left out: the input was not kept.")
    if new.contradicted:
        said.append(f"{counted(new.contradicted, 'input')} left out: labelled in two ways.")
    if new.known:
        said.append(f"{counted(new.known, 'input')} left out: already in the data.")
    return tuple(said)
