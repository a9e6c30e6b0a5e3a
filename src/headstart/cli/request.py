"""Flags to a `Config`, with mistakes named as they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.config.load import load
from headstart.config.schema import Config
from headstart.config.shortcuts import SHORTCUTS, expand
from headstart.config.toml import parse_settings
from headstart.errors import ConfigError


def read_request(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    settings: Sequence[str] = (),
    data_needed: bool = True,
) -> Config:
    """The request of a file, of flags over it, and of settings over both.

    Args:
        flags: by short name; None is not given.
        settings: ``"train.clip=0.5"``.
        data_needed: whether there is nothing to do without data.

    Raises:
        ConfigError: with every mistake.
    """
    empty = [f"{_flag(name)}: must not be empty." for name, value in flags.items() if value == ""]
    if empty:
        raise ConfigError.listed("request", empty)
    given, written = expand(flags), parse_settings(settings)
    spelling = {key: _flag(name) for name, key in SHORTCUTS.items()}
    spelling |= {key: f"--set {key}" for key in written}
    used = {key: spelling[key] for key in given | written}
    config = load(file, given | written, spelling=used)
    if data_needed and not config.data.path:
        raise ConfigError("DATA is missing.", "Name a folder or a table, as in `headstart fit photos/`.")
    return config


def _flag(name: str) -> str:
    return "DATA" if name == "data" else f"--{name.replace('_', '-')}"
