"""Scores with intervals, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A score and its 95 % interval; both ends are None where none can be given."""

    value: float
    low: float | None
    high: float | None


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
        return {
            "n": self.n,
            "metrics": {
                name: {"value": score.value, "low": score.low, "high": score.high}
                for name, score in self.metrics.items()
            },
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Scores:
        """From what `state` gave."""
        return cls(state["n"], {name: Interval(**score) for name, score in state["metrics"].items()})
