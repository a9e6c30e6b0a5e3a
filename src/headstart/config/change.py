"""A request with other settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headstart.config.schema import Config


def with_settings(config: Config, settings: Mapping[str, Any]) -> Config:
    """A request with settings by dotted key."""
    for key, value in settings.items():
        config = _with(config, key, tuple(value) if isinstance(value, list) else value)
    return config


def _with(value: Any, key: str, new: Any) -> Any:
    """A dataclass with another value at a dotted key."""
    name, _, rest = key.partition(".")
    return replace(value, **{name: _with(getattr(value, name), rest, new) if rest else new})
