"""What a classifier said of labelled examples, beside the truth: what every table of it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from headstart.tasks.classification import Classification
from headstart.tasks.metrics import Bools, Floats


@dataclass(frozen=True)
class Answers:
    """N answers.

    Attributes:
        labels: C names.
        truth: (N, C), which labels each example has.
        chosen: (N, C), which labels it was given.
        probabilities: (N, C).
        multi_label: whether an example may have several labels.
    """

    labels: tuple[str, ...]
    truth: Bools
    chosen: Bools
    probabilities: Floats
    multi_label: bool

    @classmethod
    def read(cls, task: Classification, outputs: Sequence[Any], targets: Sequence[Any]) -> Self:
        """From N outputs and N encoded targets of a task."""
        return cls(
            labels=task.labels,
            truth=task.truth(targets),
            chosen=task.chosen(outputs),
            probabilities=task.probabilities(outputs),
            multi_label=task.multi_label,
        )

    def in_order_of(self, labels: Sequence[str]) -> Self:
        """The same answers with their columns in another order of the same labels."""
        places = [self.labels.index(label) for label in labels]
        return replace(
            self,
            labels=tuple(labels),
            truth=self.truth[:, places],
            chosen=self.chosen[:, places],
            probabilities=self.probabilities[:, places],
        )
