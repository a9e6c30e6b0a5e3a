"""Two models on the same examples: how far apart they are, and whether that could be chance. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from headstart.contracts import Scorer
from headstart.evaluation.answers import Answers
from headstart.evaluation.confusion import class_scores
from headstart.evaluation.intervals import paired
from headstart.evaluation.scores import Interval


@dataclass(frozen=True)
class Difference:
    """One metric of both, and by how much the second has more of it, with its interval."""

    first: float
    second: float
    difference: Interval

    @property
    def decided(self) -> int:
        """1 where the second surely has more, -1 where less; 0 where the examples cannot say."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return 0
        return int(low > 0) - int(high < 0)

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {"first": self.first, "second": self.second, "difference": self.difference.state()}


@dataclass(frozen=True)
class Churn:
    """How the answers of two classifiers differ, counted in examples.

    Attributes:
        both, first, second, neither: of which both, one alone or none is right.
        changed: of which the answers differ.
        p_value: of McNemar's exact test (1947): how often a difference between `first` and `second` at
            least as large comes about where both models are equally good. Takes examples as independent.
    """

    both: int
    first: int
    second: int
    neither: int
    changed: int
    p_value: float


@dataclass(frozen=True)
class ClassRow:
    """A label: its examples, the recall of both models, and how many of its answers changed."""

    label: str
    support: int
    first: float
    second: float
    changed: int


@dataclass(frozen=True)
class Comparison:
    """What `headstart compare` found.

    Attributes:
        n: examples, the same for both.
        metric: the main one.
        lower_is_better: whether that is an error.
        metrics: by name.
        churn, per_class: of classifiers; None and none of others.
    """

    n: int
    metric: str
    lower_is_better: bool
    metrics: Mapping[str, Difference]
    churn: Churn | None = None
    per_class: Sequence[ClassRow] = ()

    @property
    def better(self) -> str:
        """ "first" or "second"; "" where these examples cannot tell."""
        sign = -1 if self.lower_is_better else 1
        return {1: "second", -1: "first", 0: ""}[sign * self.metrics[self.metric].decided]

    @property
    def verdict(self) -> str:
        """In words."""
        found = self.metrics[self.metric]
        gap = found.difference
        if self.churn is not None and not self.churn.changed and not gap.value:
            return f"Both give the same answers to all {self.n} examples."
        if gap.low is None or gap.high is None:
            return f"{self.n} examples give no interval of the difference in {self.metric}: compare on more."
        numbers = (
            f"{self.metric} {found.first:.4f} and {found.second:.4f}, a difference of {gap.value:+.4f} "
            f"(95 % interval {gap.low:+.4f} to {gap.high:+.4f}) on the same {self.n} examples"
        )
        if self.better:
            return f"The {self.better} is better: {numbers}."
        most = max(abs(gap.low), abs(gap.high))
        return f"These examples cannot tell which is better: {numbers}; it may be as large as {most:.4f}."

    def state(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "n": self.n,
            "metric": self.metric,
            "better": self.better or None,
            "verdict": self.verdict,
            "metrics": {name: found.state() for name, found in self.metrics.items()},
            "churn": None if self.churn is None else asdict(self.churn),
            "per_class": [asdict(row) for row in self.per_class],
        }


def differences(
    first: Mapping[str, Scorer], second: Mapping[str, Scorer], groups: Sequence[str]
) -> dict[str, Difference]:
    """Every metric that both models have, with the interval of the paired bootstrap over groups.

    Args:
        first, second: as `Task.scorers` gives them, on the same examples.
        groups: of each example.
    """
    once = np.ones((1, len(groups)))
    return {
        name: Difference(
            float(first[name](once)[0]),
            float(second[name](once)[0]),
            paired(second[name], first[name], groups=groups),
        )
        for name in first
        if name in second
    }


def churn(first: Answers, second: Answers) -> Churn:
    """What became of the answers of N examples."""
    one, other = ((answers.truth == answers.chosen).all(axis=1) for answers in (first, second))
    alone, newly = int((one & ~other).sum()), int((~one & other).sum())
    p_value = binomtest(alone, alone + newly).pvalue if alone + newly else 1.0
    return Churn(
        both=int((one & other).sum()),
        first=alone,
        second=newly,
        neither=int((~one & ~other).sum()),
        changed=int((first.chosen != second.chosen).any(axis=1).sum()),
        p_value=float(p_value) if math.isfinite(p_value) else 1.0,
    )


def by_class(first: Answers, second: Answers) -> tuple[ClassRow, ...]:
    """A row for every label."""
    changed = (first.chosen != second.chosen).any(axis=1)
    return tuple(
        ClassRow(one.label, one.support, one.recall, other.recall, int((changed & has).sum()))
        for one, other, has in zip(class_scores(first), class_scores(second), first.truth.T, strict=True)
    )
