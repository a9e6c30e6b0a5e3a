"""A plan made into lines for people, and into plain data for plan.json and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from operator import attrgetter
from typing import Any

from headstart.config.schema import Augmentation
from headstart.contracts import HEAD, Adapters, Head, Objective, Phase
from headstart.errors import counted
from headstart.planning.plan import OptimiserPlan, Plan

# What has no use where no phase trains anything.
TRAINING = (
    "accumulate",
    "augment",
    "batch_norm",
    "batch_size",
    "channels_last",
    "folds",
    "interpolate",
    "keep_probe",
    "micro_batch",
    "objective",
    "optimiser",
    "precision",
    "stored",
    "token_budget",
    "views",
)

# Why no phase trains anything, where the technique has some.
LATE = "no step fits into the time limit"

# What has no use where inputs are no images.
OF_IMAGES = ("augment", "channels_last", "decode_once", "image_size", "views")


def plan_lines(plan: Plan) -> list[tuple[str, str, str]]:
    """Name, value and reason of every decision that counts, in the order they were made.

    Phases that have no time are left out, with all that is for them alone.
    """
    if not plan.in_time:
        plan = replace(plan, phases=(), reasons={**plan.reasons, "phases": LATE})
    idle = (*(() if plan.phases else TRAINING), *(() if plan.image_size else OF_IMAGES))
    return [
        (name, _shown(attrgetter(name)(plan)), reason)
        for name, reason in plan.reasons.items()
        if not name.startswith(idle) and attrgetter(name)(plan) is not None
    ]


def plan_state(plan: Plan) -> dict[str, Any]:
    """As plan.json has it: value and reason by the name of the decision."""
    return {
        "format": 1,
        "in_time": plan.in_time,
        "decisions": {
            name: {"value": _plain(attrgetter(name)(plan)), "reason": reason}
            for name, reason in plan.reasons.items()
        },
    }


def plan_from(state: Mapping[str, Any]) -> Plan:
    """The plan of which `plan_state` gave this."""
    decisions = state["decisions"]
    values: dict[str, Any] = {}
    for name, decision in decisions.items():
        whole, _, part = name.partition(".")
        if part:
            values.setdefault(whole, {})[part] = decision["value"]
        else:
            values[whole] = decision["value"]
    head, objective = values["head"], values["objective"]
    made = {
        "phases": tuple(_phase_from(phase) for phase in values["phases"]),
        "frozen": tuple(values["frozen"]),
        "stored": tuple(values["stored"]),
        "head": Head(**{**head, "hidden": tuple(head["hidden"])}),
        "objective": Objective(**{**objective, "class_weights": tuple(objective["class_weights"])}),
        "optimiser": OptimiserPlan(**values["optimiser"]),
        "augment": Augmentation(**values["augment"]),
        "reasons": {name: decision["reason"] for name, decision in decisions.items()},
        "in_time": state.get("in_time", True),
    }
    return Plan(**{**values, **made})


def _phase_from(state: Mapping[str, Any]) -> Phase:
    adapters = state.get("adapters")
    return Phase(**{**state, "adapters": Adapters(**adapters) if adapters else None})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _shown(value: Any) -> str:
    """A value in few words; of a table or a dataclass, the parts that are set."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Phase():
            return _phase(value)
        case tuple():
            return ", ".join(map(_shown, value)) or "none"
        case Mapping():
            return ", ".join(f"{name} {_shown(part)}" for name, part in value.items() if part) or "none"
        case Augmentation():
            return _shown(asdict(value))
        case Head():
            return _shown(asdict(value)) if value.hidden or value.dropout else "linear"
        case _:
            return str(value)


def _phase(phase: Phase) -> str:
    """Such as ``fine-tune (20 epochs, head and 6 boundaries at 1e-05)``."""
    low, high = min(phase.rates.values()), max(phase.rates.values())
    below = len(phase.rates.keys() - {HEAD})
    boundaries = counted(below, "boundary", "boundaries") if below else ""
    trained = " and ".join(filter(None, ("head" if HEAD in phase.rates else "", boundaries)))
    rate = f"{high:g}" if low == high else f"{low:.2g} to {high:g}"
    by = f", adapters of rank {phase.adapters.rank}" if phase.adapters else ""
    return f"{phase.name} ({counted(phase.epochs, 'epoch')}, {trained} at {rate}{by})"
