"""How much better the best of many trials looks than it is. Pure.

The best of many is partly the luckiest. Bootstrap bias corrected cross-validation (Tsamardinos, Greasidou
and Borboudakis, 2018) undoes that without another fit: validation examples are drawn with replacement, the
trial that is best on them is chosen, and scored on those that were not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Scorer
from headstart.evaluation.intervals import ENDS, drawn_weights

DRAWS = 200
# Of the examples, on a draw of as many as there are.
LEFT_OUT = math.exp(-1)
# Where the winner wins less often than this, another might as well have been taken.
CLEAR = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Redrawn:
    """A trial's main metric on each draw of the validation examples, and on those that were left out.

    Attributes:
        inside, outside: (draws,).
    """

    inside: Sequence[float]
    outside: Sequence[float]


@dataclass(frozen=True)
class Corrected:
    """What is to be expected of the best trial on other examples.

    Attributes:
        seen: its main metric on the validation examples that chose it.
        value: the same, corrected for the choice.
        low, high: its 95 % interval.
        wins: share of the draws in which it is chosen.
        trials: among which it was chosen.
    """

    seen: float
    value: float
    low: float
    high: float
    wins: float
    trials: int

    @property
    def optimism(self) -> float:
        """By how much the metric looks better than it is."""
        return abs(self.seen - self.value)

    @property
    def clear(self) -> bool:
        """Whether the validation examples tell the best from the others."""
        return self.trials == 1 or self.wins >= CLEAR

    def state(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "optimism": self.optimism, "clear": self.clear}


def redrawn(scorer: Scorer, groups: Sequence[str], *, seed: int) -> Redrawn:
    """A trial on draws of whole groups that are the same for all trials of a study.

    Args:
        scorer: of the main metric, on the validation examples.
        groups: of each of them.
        seed: of the draws.
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(members.max()) + 1
    inside: list[float] = []
    outside: list[float] = []
    for weights in drawn_weights(members, count, replicates=DRAWS, seed=seed):
        inside += scorer(weights).tolist()
        outside += scorer((weights == 0).astype(float)).tolist()
    return Redrawn(inside, outside)


def corrected(
    trials: Sequence[Redrawn], *, best: int, seen: float, lower_is_better: bool
) -> Corrected | None:
    """The best of some trials, corrected for having been chosen.

    Args:
        trials: of one study, at least one.
        best: place of the one that is chosen.
        seen: its metric on all validation examples.
        lower_is_better: whether the metric is an error.

    Returns:
        None where too few draws define the metric.
    """
    sign = -1.0 if lower_is_better else 1.0
    inside = sign * np.array([trial.inside for trial in trials], dtype=float)
    outside = np.array([trial.outside for trial in trials], dtype=float)
    good = np.isfinite(outside).all(axis=0) & np.isfinite(inside).all(axis=0)
    if good.sum() < DRAWS / 2:
        return None
    inside, outside = inside[:, good], outside[:, good]
    top = inside.max(axis=0)
    # Of trials that are equal on a draw, the one that was chosen would be chosen again.
    chosen = np.where(inside[best] >= top, best, inside.argmax(axis=0))
    values = outside[chosen, np.arange(outside.shape[1])]
    # What is left out is fewer examples, not other ones: only the choice's own gain is taken away.
    gain = sign * float((outside[best] - values).mean())
    value = seen - sign * max(gain, 0.0)
    # Those that are left out are a share of about 0.37, and vary that much more than all would.
    low, high = np.percentile((values - values.mean()) * math.sqrt(LEFT_OUT), ENDS)
    return Corrected(
        seen, value, value + float(low), value + float(high), float((chosen == best).mean()), len(trials)
    )
