"""How much better the best of many trials looks than it is. Pure.

The best of many is partly the luckiest. Bootstrap bias corrected cross-validation (Tsamardinos, Greasidou
and Borboudakis, 2018) undoes that without another fit: validation examples are drawn with replacement, the
trial that is best on them is chosen, and scored on those that were not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Scorer
from headstart.evaluation.intervals import ENDS, drawn_weights, score

DRAWS = 200

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Redrawn:
    """A trial's main metric on each draw of the validation examples, and on those that were left out.

    Attributes:
        inside, outside: (draws,).
        low, high: its 95 % interval where there was no choice; None where it has none.
    """

    inside: Sequence[float]
    outside: Sequence[float]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Corrected:
    """What is to be expected of the best trial on other examples.

    Attributes:
        seen: its main metric on the validation examples that chose it.
        value: the same, corrected for the choice.
        low, high: its 95 % interval; None where there is none.
        wins: share of the draws in which it is chosen.
        rivals: others that the validation examples do not tell from it.
        trials: among which it was chosen.
    """

    seen: float
    value: float
    low: float | None
    high: float | None
    wins: float
    rivals: int
    trials: int

    @property
    def optimism(self) -> float:
        """By how much the metric looks better than it is."""
        return abs(self.seen - self.value)

    @property
    def clear(self) -> bool:
        """Whether the validation examples tell the best from the others."""
        return not self.rivals

    def state(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "optimism": self.optimism, "clear": self.clear}


def redrawn(scorer: Scorer, groups: Sequence[str], *, metric: str, seed: int) -> Redrawn:
    """A trial on draws of whole groups that are the same for all trials of a study.

    Args:
        scorer: of the main metric, on the validation examples.
        groups: of each of them.
        metric: its name.
        seed: of the draws.
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(members.max()) + 1
    inside: list[float] = []
    outside: list[float] = []
    for weights in drawn_weights(members, count, replicates=DRAWS, seed=seed):
        inside += scorer(weights).tolist()
        outside += scorer((weights == 0).astype(float)).tolist()
    low, high = score({metric: scorer}, n=len(groups), groups=groups, seed=seed).interval(metric)
    return Redrawn(inside, outside, low, high)


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
    # Of trials that are equal on a draw, any might be chosen.
    chosen = (inside >= inside.max(axis=0)).astype(float)
    chosen /= chosen.sum(axis=0)
    # What is left out is fewer examples, not other ones: only the choice's own gain is taken away.
    gain = sign * max(sign * float((outside[best] - (chosen * outside).sum(axis=0)).mean()), 0.0)
    # Nothing is beyond the end of a flawless sample's interval: it stays where it is.
    low, high = (
        end if end is None or end == seen else end - gain for end in (trials[best].low, trials[best].high)
    )
    ahead = inside[best] - inside
    same = ~ahead.any(axis=1)
    return Corrected(
        seen=seen,
        value=seen - gain,
        low=low,
        high=high,
        wins=float(chosen[same].sum(axis=0).mean()),
        # A trial that is equal on every draw gives the same answers: there is nothing to tell apart.
        rivals=int((~same & (np.percentile(ahead, ENDS[0], axis=1) <= 0)).sum()),
        trials=len(trials),
    )
