"""Labels of training and validation data that look wrong, or say nothing, by what a probe says unseen."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from headstart.data.drawn import drawn
from headstart.evaluation.indistinct import indistinct_labels
from headstart.evaluation.report.content import Mistake
from headstart.evaluation.suspects import find_suspects
from headstart.steps.job import Job, held_out_outputs
from headstart.tasks.classification import Classification

# Of very many examples, so many are looked at.
MOST = 10_000
COLUMNS = ("id", "label", "likely", "probability_of_label", "probability_of_likely")


@dataclass(frozen=True)
class Suspected:
    """Examples whose label looks wrong, the likeliest first; whether they stand out; labels that say nothing.

    Attributes:
        indistinct: names of labels that nothing tells from the others, with their areas under the ROC curve
            and their examples; the blindest first.
    """

    examples: tuple[Mistake, ...] = ()
    stand_out: bool = False
    indistinct: tuple[tuple[str, float, int], ...] = ()


def suspected(job: Job) -> Suspected:
    """Of training and validation data; none where examples may have several labels.

    The test set is left out: it is for the end, and stays as it is.
    """
    task = job.task
    if not isinstance(task, Classification) or task.multi_label or job.probe is None:
        return Suspected()
    seen = (*job.prepared.part("train"), *job.prepared.part("val"))
    examples = drawn(seen, MOST, seed=job.plan.seed)
    truth = task.truth([task.encode(example) for example in examples]).argmax(axis=1)
    probabilities = task.probabilities(held_out_outputs(job, examples))
    found = find_suspects(truth, probabilities)
    blind = indistinct_labels(truth, probabilities)
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
    named = tuple((task.labels[one.label], one.auroc, one.count) for one in blind)
    return Suspected(shown, found.stand_out(len(examples)), named)


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
