"""Scores with intervals, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A score and its 95 % interval.

    Attributes:
        value: NaN where the metric is not defined, as AUROC is not for one class alone.
        low, high: both None where no interval can be given.
    """

    value: float
    low: float | None
    high: float | None

    def state(self) -> dict[str, float | None]:
        """As result.json has it: JSON has no NaN and no infinity, so these are None there."""
        return {
            "value": self.value if math.isfinite(self.value) else None,
            "low": self.low,
            "high": self.high,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, float | None]) -> Interval:
        """From what `state` gave."""
        value = state["value"]
        return cls(math.nan if value is None else value, state["low"], state["high"])


@dataclass(frozen=True)
class Scores:
    """Every metric of one model on one set of examples; metrics read as attributes too."""

    n: int
    metrics: Mapping[str, Interval]

    def __getattr__(self, name: str) -> float:
        metrics = self.__dict__.get("metrics", {})
        if name not in metrics:
            raise AttributeError(f"no metric '{name}'; there are: {', '.join(metrics)}")
        value: float = metrics[name].value
        return value

    def interval(self, name: str) -> tuple[float | None, float | None]:
        """Both ends of a metric's 95 % interval."""
        return self.metrics[name].low, self.metrics[name].high

    def state(self) -> dict[str, Any]:
        """As result.json has it."""
        return {"n": self.n, "metrics": {name: score.state() for name, score in self.metrics.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Scores:
        """From what `state` gave."""
        metrics = {name: Interval.from_state(score) for name, score in state["metrics"].items()}
        return cls(state["n"], metrics)
