"""What is searched over: keys of the configuration with the values they may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.config.schema import Config
from headstart.planning.plan import Plan

# A rate is looked for within this factor of the usual one, to either side.
AROUND = 10.0
DECAYS = (1e-4, 0.3)


@dataclass(frozen=True)
class Span:
    """A number between two, searched by its logarithm; `usual` is what is done without a search."""

    key: str
    low: float
    high: float
    usual: float


@dataclass(frozen=True)
class Choice:
    """One of several values; `usual` is what is done without a search."""

    key: str
    values: tuple[Any, ...]
    usual: Any


Dimension = Span | Choice


def space(config: Config, plan: Plan, *, varies: bool, probed: bool) -> tuple[Dimension, ...]:
    """The dimensions that a request leaves open.

    Args:
        config: the request; what it states is not searched over.
        plan: what is done without a search.
        varies: whether inputs can be augmented.
        probed: whether the task has a linear probe and a head of its own.
    """
    epochs = sum(phase.epochs for phase in plan.phases)
    rates = [rate for phase in plan.phases for rate in phase.rates.values()]
    found: list[Dimension] = [
        Choice("technique.name", ("auto", "two-phase", "gradual-unfreezing", "full"), plan.technique),
        Choice("model.freeze", (0.0, 0.25, 0.5, 0.75), 0.0),
        _span("train.weight_decay", *DECAYS, usual=plan.optimiser.weight_decay),
        Choice("train.label_smoothing", (0.0, 0.05, 0.1), 0.0),
    ]
    if rates:
        usual = max(rates)
        found.append(_span("train.lr", usual / AROUND, min(usual * AROUND, 0.5), usual=usual))
    if epochs:
        around = tuple(sorted({max(1, epochs // 2), epochs, 2 * epochs}))
        found.append(Choice("train.epochs", around, epochs))
    if varies:
        policies = ("none", "light", "medium", "strong", "trivial")
        found.append(Choice("augment.policy", policies, plan.augment.policy))
    if probed:
        found.append(Choice("train.mixup", (0.0, 0.2), 0.0))
        found.append(Choice("model.head.dropout", (0.0, 0.2, 0.5), 0.0))
        found.append(Choice("model.head.hidden", ("none", "256"), "none"))
    return tuple(one for one in found if not _is_stated(config, one.key))


def settings_of(chosen: Mapping[str, Any], dimensions: Sequence[Dimension]) -> dict[str, Any]:
    """What was chosen as settings of the configuration; what is the usual value is left out."""
    usual = {one.key: one.usual for one in dimensions}
    settings = {key: value for key, value in chosen.items() if value != usual.get(key)}
    if "model.head.hidden" in settings:
        hidden = settings["model.head.hidden"]
        settings["model.head.hidden"] = [] if hidden == "none" else [int(hidden)]
    return settings


def _span(key: str, low: float, high: float, *, usual: float) -> Span:
    """A span that holds the usual value."""
    return Span(key, low, high, min(max(usual, low), high))


def _is_stated(config: Config, key: str) -> bool:
    """Whether a request says something else than what it is when nothing is said."""
    return bool(_value(config, key) != _value(Config(), key))


def _value(config: Config, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value
