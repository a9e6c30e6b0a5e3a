"""Where a classifier goes wrong: which labels it confuses, scores by label, its surest mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.contracts import ClassScores
from headstart.evaluation.answers import Answers
from headstart.evaluation.report.content import Confusion, Mistake
from headstart.tasks.metrics import Bools, Floats


def confusion(answers: Answers) -> Confusion | None:
    """How often each label was taken for each other; None where examples may have several."""
    if answers.multi_label:
        return None
    size = len(answers.labels)
    pairs = answers.truth.argmax(axis=1) * size + answers.chosen.argmax(axis=1)
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
    return Confusion(answers.labels, counts.tolist())


def class_scores(answers: Answers) -> tuple[ClassScores, ...]:
    """Precision, recall, F1 and support of each label; 0 where nothing was there to be counted."""
    there, given = answers.truth.sum(axis=0), answers.chosen.sum(axis=0)
    right = (answers.truth & answers.chosen).sum(axis=0)
    return tuple(
        ClassScores(
            label=label,
            precision=float(right[column] / max(given[column], 1)),
            recall=float(right[column] / max(there[column], 1)),
            f1=float(2 * right[column] / max(there[column] + given[column], 1)),
            support=int(there[column]),
        )
        for column, label in enumerate(answers.labels)
    )


def mistakes(answers: Answers, ids: Sequence[str]) -> list[Mistake]:
    """Every wrong answer, the surest first.

    Args:
        answers: N of them.
        ids: of the N examples.
    """
    wrong = np.flatnonzero((answers.truth != answers.chosen).any(axis=1))
    given, true = _probability(answers, answers.chosen), _probability(answers, answers.truth)
    order = wrong[np.argsort(-given[wrong], kind="stable")]
    return [
        Mistake(
            id=ids[row],
            true=_written(answers.labels, answers.truth[row]),
            predicted=_written(answers.labels, answers.chosen[row]),
            probability=float(given[row]),
            probability_of_true=float(true[row]),
        )
        for row in order.tolist()
    ]


def _probability(answers: Answers, said: Bools) -> Floats:
    """Of a whole answer, (N,): its label's, or, of labels each for itself, the product."""
    if answers.multi_label:
        of_each = np.where(said, answers.probabilities, 1 - answers.probabilities)
        of_all: Floats = of_each.prod(axis=1)
        return of_all
    return answers.probabilities[said]


def _written(labels: Sequence[str], said: Bools) -> str:
    return ", ".join(label for label, says in zip(labels, said, strict=True) if says) or "(none)"
