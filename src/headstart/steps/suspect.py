"""Labels of training and validation data that look wrong, by what a probe says that has not seen them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.contracts import Example
from headstart.evaluation.report.content import Mistake
from headstart.evaluation.suspects import find_suspects
from headstart.steps.job import Job, held_out_outputs
from headstart.tasks.classification import Classification

# Of very many examples, so many are looked at.
MOST = 10_000
COLUMNS = ("id", "label", "likely", "probability_of_label", "probability_of_likely")


@dataclass(frozen=True)
class Suspected:
    """Examples whose label looks wrong, the likeliest first; and whether they stand out."""

    examples: tuple[Mistake, ...] = ()
    stand_out: bool = False


def suspected(job: Job) -> Suspected:
    """Of training and validation data; none where examples may have several labels.

    The test set is left out: it is for the end, and stays as it is.
    """
    task = job.task
    if not isinstance(task, Classification) or task.multi_label or job.probe is None:
        return Suspected()
    examples = _some((*job.prepared.part("train"), *job.prepared.part("val")), seed=job.plan.seed)
    truth = task.truth([task.encode(example) for example in examples]).argmax(axis=1)
    found = find_suspects(truth, task.probabilities(held_out_outputs(job, examples)))
    shown = tuple(
        Mistake(
            id=examples[place].id,
            true=task.labels[truth[place]],
            predicted=task.labels[likely],
            probability=float(probability),
            probability_of_true=float(own),
        )
        for place, likely, probability, own in zip(
            found.places, found.likely, found.probability, found.own, strict=True
        )
    )
    return Suspected(shown, found.stand_out(len(examples)))


def suspects_csv(suspects: Sequence[Mistake]) -> str:
    """A row a suspect."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in suspects:
        writer.writerow(
            (one.id, one.true, one.predicted, f"{one.probability_of_true:.6f}", f"{one.probability:.6f}")
        )
    return text.getvalue()


def _some(examples: Sequence[Example], *, seed: int) -> Sequence[Example]:
    if len(examples) <= MOST:
        return examples
    places = np.sort(np.random.default_rng(seed).permutation(len(examples))[:MOST])
    return [examples[place] for place in places]
