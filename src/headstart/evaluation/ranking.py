"""Models in the order in which they are worth a fit: a prior, corrected by what was seen. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from headstart.evaluation.intervals import Z
from headstart.evaluation.scores import Interval

# How far a model's standing on new data departs from what its prior says, in log odds: on seven sets
# of images and four models, probes on 500 examples departed by 0.25, of which some was their own error.
DEPARTURE = 0.3
# Scores of 0 and 1 have no log odds.
EDGE = 0.01


@dataclass(frozen=True)
class Candidate:
    """A model, and what was seen of it on a sample of the data.

    Attributes:
        name: ``SOURCE:NAME``.
        licence: of the weights.
        parameters: how many.
        latency: seconds for one input alone, on this machine.
        seconds: that its features of the sample took.
        prior: what was known before, a share; None is nothing.
        probe: the main metric of a linear probe on its features, of examples it was not fitted on.
        log_me: of the features and the targets.
        neighbours: accuracy of the nearest neighbours; None where an example has several labels.
        expected: the metric that is to be expected of the probe, prior and sample together.
    """

    name: str
    licence: str
    parameters: int
    latency: float
    seconds: float
    prior: float | None
    probe: Interval
    log_me: float
    neighbours: float | None
    expected: float = math.nan

    def state(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "probe": self.probe.state()}


def ranked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates with what is expected of each, the best first.

    In log odds, a model's prior says how far it should stand above the others, give or take `DEPARTURE`;
    its probe says it with the error of the sample. The two are weighed by their precisions (normal
    shrinkage), so that the sample decides where it is large, and what is known where it is small. A model
    without a prior is taken to be like the mean of the others.
    """
    seen = [_odds(one.probe.value) for one in candidates]
    known = [None if one.prior is None else _odds(one.prior) for one in candidates]
    both = [(saw, knew) for saw, knew in zip(seen, known, strict=True) if knew is not None]
    level = sum(saw - knew for saw, knew in both) / len(both) if both else 0.0
    typical = sum(knew for _, knew in both) / len(both) if both else sum(seen) / max(1, len(seen))
    found = []
    for one, saw, knew in zip(candidates, seen, known, strict=True):
        told = level + (typical if knew is None else knew)
        error = _error(one.probe)
        weight = DEPARTURE**2 / (DEPARTURE**2 + error**2)
        found.append(replace(one, expected=1 / (1 + math.exp(-(weight * saw + (1 - weight) * told)))))
    return tuple(sorted(found, key=lambda one: (-one.expected, one.latency)))


def _odds(share: float) -> float:
    """Log odds; of what is not known, even."""
    if math.isnan(share):
        return 0.0
    share = min(max(share, EDGE), 1 - EDGE)
    return math.log(share / (1 - share))


def _error(probe: Interval) -> float:
    """Standard error in log odds, by the interval; as large as the prior's where there is none."""
    if probe.low is None or probe.high is None:
        return DEPARTURE
    return (_odds(probe.high) - _odds(probe.low)) / (2 * Z)
