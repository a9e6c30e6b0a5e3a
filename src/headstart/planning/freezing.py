"""Which boundaries the user wants frozen: a count, a share or names, made into names."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.config.schema import Config
from headstart.errors import ConfigError, counted, did_you_mean
from headstart.planning.facts import ModelFacts
from headstart.planning.plan import Decision


def frozen(config: Config, model: ModelFacts) -> Decision[tuple[str, ...]]:
    """The boundaries that no phase may train, stem to head.

    Raises:
        ConfigError: the model has fewer boundaries, or none of that name.
    """
    freeze, boundaries = config.model.freeze, model.boundaries
    if freeze is None:
        return Decision((), "none was asked for; the technique's phases freeze what they do not train")
    if isinstance(freeze, tuple):
        return Decision(_named(freeze, boundaries), "asked for by name")
    if isinstance(freeze, float):
        count = round(freeze * len(boundaries))
        return Decision(boundaries[:count], f"asked for as {100 * freeze:.0f} % of them")
    if abs(freeze) > len(boundaries):
        there = counted(len(boundaries), "boundary", "boundaries")
        raise ConfigError(
            f"model.freeze: {model.name} has {there}. Got {freeze}.",
            "Give a smaller count, or a share such as 0.5.",
        )
    if freeze < 0:
        return Decision(boundaries[:freeze], f"asked for as all but the last {-freeze}")
    return Decision(boundaries[:freeze], f"asked for as the first {freeze}")


def _named(names: Sequence[str], boundaries: Sequence[str]) -> tuple[str, ...]:
    """The boundaries under any of the names: ``layer1`` covers ``layer1.0``, and not ``layer10``."""
    unknown = [name for name in names if not any(_covers(name, boundary) for boundary in boundaries)]
    if unknown:
        raise ConfigError.listed(
            "model.freeze",
            [f"no boundary '{name}'.{did_you_mean(name, boundaries)}" for name in unknown],
            f"There are: {', '.join(boundaries)}.",
        )
    return tuple(boundary for boundary in boundaries if any(_covers(name, boundary) for name in names))


def _covers(name: str, boundary: str) -> bool:
    return boundary == name or boundary.startswith(f"{name}.")
