"""How a training step is computed: whether measuring it pays, and what follows from what was measured.

Pure: numbers in, a plan out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from headstart.config.schema import Config
from headstart.contracts import HEAD, Phase
from headstart.planning.facts import StepFacts
from headstart.planning.plan import Plan

# A way that takes more than this share of the plan's own time is not worth a change: times vary.
WORTH_IT = 0.95
WAYS = ("precision", "channels_last", "micro_batch")
# Each way is taken so often; the first step of one is slow.
STEPS = 2
# Of the time that is to be shortened, measuring may take so much.
SHARE = 0.05


def open_ways(config: Config) -> tuple[str, ...]:
    """Which decisions on the way to compute a step the request leaves open."""
    return tuple(name for name in WAYS if name != "precision" or config.train.precision is None)


def whole_phases(plan: Plan) -> tuple[Phase, ...]:
    """The phases that compute every layer at each step, and train more of them than the head."""
    phases = zip(plan.phases, plan.stored, strict=True)
    return tuple(phase for phase, name in phases if not name and set(phase.rates) != {HEAD})


def whole_batches(plan: Plan, train: int) -> int:
    """Batches of `train` examples that these phases have, at most."""
    return sum(phase.epochs for phase in whole_phases(plan)) * math.ceil(train / plan.batch_size)


def pays(plan: Plan, train: int) -> bool:
    """Whether ways to compute a step can be measured in half of the time that this may take."""
    steps = STEPS * (len(WAYS) + 2)  # The plan's own way is taken twice.
    return 2 * steps <= SHARE * whole_batches(plan, train)


def fastest(tried: Sequence[StepFacts]) -> StepFacts:
    """The fastest of the ways that were tried, or the first where none is clearly faster."""
    best = min(tried, key=lambda way: way.seconds)
    return best if best.seconds <= WORTH_IT * tried[0].seconds else tried[0]


def at_speed(plan: Plan, tried: Sequence[StepFacts]) -> Plan:
    """The plan with the fastest way to compute a step; the reason for what was varied says what was measured.

    Args:
        plan: whose own way is the first that was tried.
        tried: at least that one.
    """
    best = fastest(tried)
    reasons = {}
    for name in WAYS:
        others = [way for way in tried if getattr(way, name) != getattr(best, name)]
        if others:
            reasons[name] = _reason(best, min(others, key=lambda way: way.seconds))
    values = {name: getattr(best, name) for name in WAYS}
    return replace(plan, **values, reasons={**plan.reasons, **reasons})


def _reason(best: StepFacts, other: StepFacts) -> str:
    layout = "channels last" if other.channels_last else "channels first"
    way = f"{other.precision}, {layout}, {other.micro_batch} at once"
    hardly = ", hardly less" if other.seconds < best.seconds else ""
    return f"{_milliseconds(best)} an example, as measured; {way} took {_milliseconds(other)}{hardly}"


def _milliseconds(way: StepFacts) -> str:
    return f"{1000 * way.seconds:.3g} ms"
