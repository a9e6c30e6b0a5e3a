"""TOML in and out, as plain tables. Knows nothing of which keys there are, nor of their values."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart.config.schema import Config
from headstart.errors import ConfigError


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML; the message names the line.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror}.",
            "Give a TOML file, such as the config.toml of a run.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        reason = str(error).replace("Cannot overwrite a value", "Key given twice")
        raise ConfigError(f"{file.name}: not valid TOML: {reason}.") from error
    except ValueError as error:  # of an integer of more than 4300 digits
        raise ConfigError(f"{file.name}: holds a number that is too long.") from error
    except RecursionError as error:
        raise ConfigError(f"{file.name}: nested too deeply.", "No key of headstart is that deep.") from error


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Values by dotted key, from ``"train.epochs=5"``: a TOML value where it is one, else a string.

    Raises:
        ConfigError: a setting without ``=``.
    """
    wrong = [f"{setting!r} has no '='." for setting in settings if "=" not in setting]
    if wrong:
        raise ConfigError.listed("--set", wrong, "Write it as --set train.epochs=5.")
    pairs = (setting.split("=", 1) for setting in settings)
    return {key.strip(): _value(text.strip()) for key, text in pairs}


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def dump(config: Config) -> str:
    """A config as TOML: `load` of it gives an equal config. What is None is left out."""
    import tomli_w

    return tomli_w.dumps(_without_none(dataclasses.asdict(config)))


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }
