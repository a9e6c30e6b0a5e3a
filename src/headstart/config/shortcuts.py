"""Short names of the keys that are asked for most: flags of the command line, arguments of `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.errors import ConfigError, did_you_mean

SHORTCUTS: Mapping[str, str] = {
    "data": "data.path",
    "task": "task",
    "model": "model.name",
    "technique": "technique.name",
    "time_limit": "time_limit",
    "epochs": "train.epochs",
    "lr": "train.lr",
    "batch_size": "train.batch_size",
    "image_size": "model.image_size",
    "label": "data.label",
    "group": "data.group",
    "seed": "seed",
    "device": "device",
    "out": "out",
}


def expand(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key, from values by short name; None is not given.

    Raises:
        ConfigError: there is no such short name.
    """
    unknown = [name for name in given if name not in SHORTCUTS]
    if unknown:
        problems = [f"{name}: unknown argument.{did_you_mean(name, SHORTCUTS)}" for name in unknown]
        raise ConfigError.listed("fit", problems, "Every other key can be set by its dotted name.")
    return {SHORTCUTS[name]: value for name, value in given.items() if value is not None}
