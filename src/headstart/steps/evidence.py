"""What a champion and its challenger say of examples that neither had learned from, and how fast."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.artifact.model import Model
from headstart.artifact.run import RunFolder
from headstart.contracts import Example
from headstart.evaluation.contradiction import Contradiction, contradiction
from headstart.evaluation.succession import Evidence, Pair, Sheet
from headstart.monitoring.confidence import confidence
from headstart.steps.joined import Champion, New, digest_of, groups_of
from headstart.steps.run_data import request_of_run, splits_of_run
from headstart.steps.service import said_by
from headstart.tasks.labels import label_names

# How often an input is timed.
ROUNDS = 7
LEARNED = ("train", "val")
SCORE = "score:"


@dataclass(frozen=True)
class Said:
    """What a model says of an example.

    Attributes:
        labels: that apply.
        sure: the probability that it gives to that.
    """

    labels: frozenset[str]
    sure: float


def evidence_of(
    models: tuple[Model, Model], runs: tuple[RunFolder, RunFolder], champion: Champion, new: New
) -> Evidence:
    """Both on the champion's test set, on what is new, and on what both their runs have held out.

    Of what a run learned from in the end, it has held out some or all before, to judge itself by: what it
    said then, by networks that had not learned from it, counts as an answer. Neither model is asked about an
    example that its weights know.

    Args:
        models: champion and challenger.
        runs: theirs.
        champion: its data, by split.
        new: what is new.
    """
    several = champion.several
    held = _held_out(runs[0], several=several)
    old = [one for part in LEARNED for one in champion.parts[part][0] if one.id in held]
    others = _by_content(runs[1], models[1], _held_out(runs[1], several=several))
    former = {name: one for one in old if (name := champion.contents[one.id]) in others}
    recent = new.part("test")
    later = [
        example
        for part in LEARNED
        for example in new.part(part)
        # The champion may know a copy, or another member of its group.
        if example.id in others and example.group not in new.places
    ]
    groups = groups_of(champion, new)
    frozen = champion.parts["test"][0]
    return Evidence(
        frozen=_pair(frozen, groups, *(_asked(model, frozen, several=several) for model in models)),
        recent=_pair(
            (*recent, *later),
            groups,
            _asked(models[0], (*recent, *later), several=several),
            [*_asked(models[1], recent, several=several), *(others[example.id] for example in later)],
        ),
        former=_pair(
            tuple(former.values()),
            groups,
            [held[example.id] for example in former.values()],
            [others[name] for name in former],
        ),
    )


def contradiction_of(model: Model, champion: Champion, new: New) -> Contradiction | None:
    """How far what the user gives contradicts the champion, where its labels look swapped or shuffled.

    Examples of labels that the champion does not know say nothing of that.

    Args:
        model: the champion.
        champion: its data.
        new: what is new.
    """
    known = set(champion.labels)
    given = [one for one in new.examples if one.id in new.given and known.issuperset(label_names(one))]
    said, groups = _asked(model, given, several=champion.several), groups_of(champion, new)
    return contradiction(
        [one.labels for one in said],
        [frozenset(label_names(one)) for one in given],
        sure=[one.sure for one in said],
        groups=[groups[one.id] for one in given],
    )


def milliseconds_of(models: tuple[Model, Model], example: Example) -> tuple[float, float]:
    """That both take for one input: medians, turn by turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS + 1):
        for model, times in zip(models, taken, strict=True):
            began = time.perf_counter()
            model.answer([model.view(example.input, name="a test example")], [example.input])
            if turn:
                times.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[0]), statistics.median(taken[1])


def _asked(model: Model, examples: Sequence[Example], *, several: bool) -> list[Said]:
    answers = model.predict(example.input for example in examples)
    return [_said(answer.label, answer.scores, several=several) for answer in answers]


def _held_out(run: RunFolder, *, several: bool) -> dict[str, Said]:
    """What a run has said of examples before it learned from them, by their ids."""
    if not run.held_out_predictions.is_file():
        # A run of an earlier version of headstart.
        return {}
    with run.held_out_predictions.open(encoding="utf-8", newline="") as file:
        return {row["id"]: _read(row, several=several) for row in csv.DictReader(file)}


def _by_content(run: RunFolder, model: Model, said: Mapping[str, Said]) -> dict[str, Said]:
    """What a run has said of examples, by the sha256 of their inputs: the same in other data."""
    parts = splits_of_run(run, request_of_run(run, model.task), *LEARNED).values()
    some = (example for examples, _ in parts for example in examples if example.id in said)
    return {digest_of(example.input): said[example.id] for example in some}


def _read(row: Mapping[str, str], *, several: bool) -> Said:
    """A row of predictions."""
    scores = {name.removeprefix(SCORE): float(cell) for name, cell in row.items() if name.startswith(SCORE)}
    return _said(row["predicted"], scores, several=several)


def _said(label: str | None, scores: Mapping[str, float], *, several: bool) -> Said:
    sure = confidence(np.array([list(scores.values())], dtype=np.float32), several=several)
    return Said(frozenset(said_by(None if several else label, scores)), float(sure[0]))


def _pair(
    examples: Sequence[Example],
    groups: Mapping[str, str],
    champion: Sequence[Said],
    challenger: Sequence[Said],
) -> Pair:
    return Pair(
        _sheet(examples, champion),
        _sheet(examples, challenger),
        [groups[example.id] for example in examples],
        [label_names(example) for example in examples],
    )


def _sheet(examples: Sequence[Example], answers: Sequence[Said]) -> Sheet:
    right = [said.labels == set(label_names(one)) for one, said in zip(examples, answers, strict=True)]
    return Sheet(np.array(right, dtype=bool), np.array([said.sure for said in answers], dtype=float))
