"""What a task shows of test examples in a report: texts with stretches marked, and scores by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mark:
    """A stretch of a text that stands out.

    Attributes:
        start, stop: its first character, and the one behind its last.
        label: what it is said to be, or truly is; may be empty.
        kind: "right": said and true; "wrong": said only; "missed": true only.
    """

    start: int
    stop: int
    label: str
    kind: Literal["right", "wrong", "missed"]


@dataclass(frozen=True)
class Part:
    """One text of an example, under a name: "question", "reference", "output"."""

    name: str
    text: str
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Shown:
    """An example as a report shows it."""

    id: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class ClassScores:
    """One label on the test set; `support` is how often it truly is there."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Exhibits:
    """What a report shows of the test examples.

    Attributes:
        title: of that section.
        note: what is to be seen, and how it was chosen, in a sentence.
        shown: a few examples, those worth a look first.
        per_class: scores by label, where there are labels.
    """

    title: str
    note: str
    shown: Sequence[Shown]
    per_class: Sequence[ClassScores] = ()
