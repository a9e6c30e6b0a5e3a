"""Scores of a saved model on data that it has not seen, and what they are made from."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.artifact.model import Model
from headstart.contracts import Example, Exhibits, Task
from headstart.contracts.labels import in_order
from headstart.data.layout import some
from headstart.data.scanning import scan
from headstart.errors import DataError, UnknownLabel, did_you_mean, first_of
from headstart.evaluation.calibration import tempered
from headstart.evaluation.intervals import score
from headstart.evaluation.scores import Scores
from headstart.steps.examine import Examined, examine
from headstart.steps.job import Job
from headstart.steps.learn import Learned
from headstart.steps.prepare import modality_class
from headstart.steps.supply import Notify


@dataclass(frozen=True)
class Judged:
    """What the model and its baselines are worth.

    Attributes:
        outputs: of the test examples, temperature applied.
        examined: how they were computed.
        baselines: by name, then by split.
        exhibits: what the report shows of them, beside tables and charts of labels.
    """

    examples: tuple[Example, ...]
    outputs: Sequence[Any]
    examined: Examined
    val: Scores
    test: Scores
    baselines: Mapping[str, Mapping[str, Scores]]
    exhibits: Exhibits | None


def judge(model: Model, job: Job, learned: Learned, *, notify: Notify) -> Judged:
    """Read the test set, once, with the model as it was saved.

    Args:
        model: opened from its bundle.
        job: has the data and the probe.
        learned: has the outputs on what was held out, from before any refit.
        notify: told of the progress.
    """
    examined = examine(model, job, cut=learned.cut, notify=notify)
    examples, train = job.prepared.part("test"), job.targets("train")
    baselines: dict[str, dict[str, Scores]] = {"majority": {}, "linear_probe": {}}
    for part, held in (("val", learned.judged), ("test", examples)):
        blind = job.task.baseline(train, len(held))
        if blind is not None:
            baselines["majority"][part] = _scores(job, blind, held)
        probed = learned.probed if part == "val" or job.probe is None else job.probe_outputs("test")
        if probed is not None:
            baselines["linear_probe"][part] = _scores(job, probed, held)
    return Judged(
        examples=examples,
        outputs=examined.outputs,
        examined=examined,
        val=_scores(job, tempered(learned.val, learned.temperature), learned.judged),
        test=_scores(job, examined.outputs, examples),
        baselines={name: parts for name, parts in baselines.items() if parts},
        exhibits=job.task.exhibits(examples, examined.outputs, model.predict),
    )


def judge_data(model: Model, examples: Sequence[Example], groups: Mapping[str, str]) -> Scores:
    """Scores of a saved model on labelled examples.

    Raises:
        DataError: inputs that cannot be read, or labels that the model does not know, all of them named.
    """
    refuse_unusable(model.task, examples)
    return scores_of(model.task, model.outputs(examples), examples, groups)


def refuse_unusable(task: Task, examples: Sequence[Example]) -> None:
    """Check labelled examples before anything is computed on them.

    Raises:
        DataError: inputs that cannot be read, or labels that the task does not know, all of them named.
    """
    _refuse_unknown_labels(task, examples)
    _refuse_unreadable(task, examples)


def _refuse_unknown_labels(task: Task, examples: Sequence[Example]) -> None:
    """Before anything is computed; those with one label together."""
    problems = []
    unknown: defaultdict[str, list[str]] = defaultdict(list)
    for example in examples:
        try:
            task.encode(example)
        except UnknownLabel as error:
            unknown[error.label].append(error.place)
        except DataError as error:
            problems.append(error.cause)
    for label in in_order(unknown):
        places = unknown[label]
        near = did_you_mean(label, task.labels)
        problems.append(f"'{label}' is unknown: {first_of(places, 3)}.{near}")
    if problems:
        raise DataError.listed("labels", problems, f"The model knows: {some(task.labels)}.")


def _refuse_unreadable(task: Task, examples: Sequence[Example]) -> None:
    """Before anything is computed: a score of the others alone would be one of other data."""
    scans = scan(examples, modality_class(task).scan)
    problems = [
        f"{example.origin or example.id}: {error}"
        for example in examples
        if (error := scans[example.id].error)
    ]
    if problems:
        raise DataError.listed("inputs", problems, "Repair them, or leave them out.")


def _scores(job: Job, outputs: Sequence[Any], examples: Sequence[Example]) -> Scores:
    return scores_of(job.task, outputs, examples, job.prepared.groups)


def scores_of(
    task: Task, outputs: Sequence[Any], examples: Sequence[Example], groups: Mapping[str, str]
) -> Scores:
    """Every metric with its interval, by bootstrap over groups."""
    targets = [task.encode(example) for example in examples]
    keys = [groups.get(example.id, example.id) for example in examples]
    return score(task.scorers(outputs, targets), n=len(examples), groups=keys)


def predictions_csv(task: Task, examples: Sequence[Example], outputs: Sequence[Any]) -> str:
    """A row an example: id, and what the task has to say of it."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for example, output in zip(examples, outputs, strict=True):
        row = {"id": example.id, **task.cells(example, output)}
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return text.getvalue()
