"""All that a report says, as plain data. Knows no HTML and no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.contracts import ClassScores, Exhibits, Phase
from headstart.data.dataset import Finding


@dataclass(frozen=True)
class Confusion:
    """How often each label was taken for each other.

    Attributes:
        labels: C names.
        counts: C rows of C: rows are true labels, columns predicted ones.
    """

    labels: Sequence[str]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Mistake:
    """An example of which a model says another label than it has: a mistake of either.

    Attributes:
        picture: a JPEG or PNG file, small; None where there is none.
        texts: the beginning of each text of the input; empty where it is none.
        probability: that the model gives the predicted label.
        probability_of_true: that it gives the true one.
    """

    id: str
    true: str
    predicted: str
    probability: float
    probability_of_true: float
    picture: bytes | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence, from `low` to `high`: mean confidence and share that is right."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """Reliability on the test set before and after the scores were scaled by a temperature."""

    temperature: float
    before: Sequence[Bin]
    after: Sequence[Bin]


@dataclass(frozen=True)
class ReportContent:
    """One run.

    Attributes:
        title: the run's name.
        result: as result.json has it.
        lower_is_better: metrics that are errors.
        advice: what to try next, a sentence each.
        events: lines of metrics.jsonl, in order; none where nothing was trained step by step.
        phases: as planned.
        confusion: None where an example may have several labels.
        mistakes: those to show, the surest first.
        mistake_count: how many there are in all.
        suspects: training and validation examples to show whose label looks wrong, the likeliest first.
        exhibits: test examples of tasks whose answers are more than labels.
        plan: name, value and reason of every decision.
    """

    title: str
    result: Mapping[str, Any]
    lower_is_better: frozenset[str] = frozenset()
    advice: Sequence[str] = ()
    events: Sequence[Mapping[str, Any]] = ()
    phases: Sequence[Phase] = ()
    confusion: Confusion | None = None
    per_class: Sequence[ClassScores] = ()
    mistakes: Sequence[Mistake] = ()
    mistake_count: int = 0
    suspects: Sequence[Mistake] = ()
    exhibits: Exhibits | None = None
    calibration: Calibration | None = None
    findings: Sequence[Finding] = ()
    plan: Sequence[tuple[str, str, str]] = ()
