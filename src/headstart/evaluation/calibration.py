"""Whether a probability is what it says: a temperature that makes it so, and the table that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from headstart.contracts import Task
from headstart.evaluation.answers import Answers
from headstart.evaluation.report.content import Bin
from headstart.tasks.metrics import BINS, bin_of

# A temperature beyond these says that the fit, not the model, is wrong.
COLDEST, HOTTEST = 0.05, 20.0
# How far, in its logarithm, a temperature is believed to be from 1 before any data is seen.
SPREAD = 0.5


def fit_temperature(task: Task, outputs: Sequence[Any], targets: Sequence[Any]) -> float:
    """The divisor of the logits that gives the lowest log loss (Guo et al., 2017).

    A few dozen answers, nearly all right, would ask for ever surer ones, so a prior holds the
    logarithm near 0: log-normal, of spread `SPREAD`, it weighs as much as a handful of examples.
    Where every answer is right, or outputs are no rows of logits, the temperature stays 1.

    Args:
        task: scores them.
        outputs: N rows of logits, of validation data.
        targets: N encoded targets.

    Returns:
        Above 1 for a model that was too sure of itself, below 1 for one that was too timid.
    """
    once = np.ones((1, len(outputs)))

    def loss(log_temperature: float) -> float:
        scaled = np.asarray(outputs, dtype=np.float64) / np.exp(log_temperature)
        data = len(outputs) * float(task.scorers(scaled, targets)[task.loss_metric](once)[0])
        return data + (log_temperature / SPREAD) ** 2 / 2

    if not task.probed or len(outputs) == 0 or task.scorers(outputs, targets)["accuracy"](once)[0] == 1:
        return 1.0
    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def tempered(outputs: Sequence[Any], temperature: float) -> list[Any]:
    """Outputs at a temperature; as they are where it is 1, as it is where they are no rows of logits."""
    return list(outputs) if temperature == 1 else [output / temperature for output in outputs]


def reliability(answers: Answers, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width of confidence, with the share that is right; empty bins are left out.

    Of one label of many, a confidence is the chosen label's probability. Of several labels it is
    each label's probability, and "right" is that the example has it.
    """
    if answers.multi_label:
        confidence, correct = answers.probabilities.ravel(), answers.truth.ravel()
    else:
        confidence, correct = answers.probabilities.max(axis=1), answers.truth[answers.chosen]
    place = bin_of(confidence, bins)
    return tuple(
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            confidence=float(confidence[place == number].mean()),
            accuracy=float(correct[place == number].mean()),
            count=int((place == number).sum()),
        )
        for number in np.unique(place).tolist()
    )
