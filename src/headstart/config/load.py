"""TOML and overrides to a `Config`, with all mistakes at once. The only importer of pydantic."""

from __future__ import annotations

import dataclasses
import json
import reprlib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headstart.config.duration import seconds
from headstart.config.schema import Config
from headstart.config.toml import parse_settings, read_toml
from headstart.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")
_SHORT = reprlib.Repr()
_SHORT.maxstring = 80

# Fields of several forms, where the message of each form alone would mislead.
FORMS: Mapping[str, str] = {
    "time_limit": "a positive number of seconds, or a duration such as '90s', '10m' or '1h30m'",
    "model.freeze": "a count, a share from 0.0 to 1.0, or a list of boundaries",
}

NOT_PLAIN = "a value is nested too deeply, or holds a character that is no Unicode."


def load(
    file: Path | None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    spelling: Mapping[str, str] | None = None,
) -> Config:
    """The request that a TOML file and overrides state; an override wins.

    Args:
        file: None is an empty file.
        overrides: values by dotted key, or settings as written: ``"train.epochs=5"``.
        spelling: how the user wrote a dotted key, for messages: ``{"train.lr": "--lr"}``.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is wrong.
    """
    data = read_toml(file) if file else {}
    settings = overrides if isinstance(overrides, Mapping) else parse_settings(overrides)
    for key, value in settings.items():
        _put(data, key.split("."), value)
    _normalise(data)
    where = file.name if file else "request"
    return _build(Config, data, where=where, spelling=spelling or {})


def bind_options(technique: Any, options: Mapping[str, Any]) -> Any:
    """A technique's `Options` from `technique.options` of a config.

    Args:
        technique: the class, as `catalog.resolve` gives it.
        options: as `TechniqueConfig.options` holds them.

    Raises:
        ConfigError: the technique has no such option, or a value is wrong.
    """
    return _build(technique.Options, dict(options), where=technique.name, prefix="technique.options")


def _put(table: Any, parts: Sequence[str], value: Any) -> None:
    """Set a nested key. Where a table should be and is not, validation will say so."""
    *parents, last = parts
    for parent in parents:
        if not isinstance(table, dict):
            return
        table = table.setdefault(parent, {})
    if isinstance(table, dict):
        table[last] = value


def _normalise(data: dict[str, Any]) -> None:
    """Durations to seconds, and one name to freeze to a list of it."""
    limit, model = data.get("time_limit"), data.get("model")
    if isinstance(limit, str):
        data["time_limit"] = seconds(limit) or limit
    if isinstance(model, dict) and isinstance(model.get("freeze"), str):
        model["freeze"] = [model["freeze"]]


def _build(
    kind: type[T],
    data: dict[str, Any],
    *,
    where: str,
    prefix: str = "",
    spelling: Mapping[str, str] | None = None,
) -> T:
    """A dataclass from plain data, or one `ConfigError` that lists every mistake."""
    from pydantic import TypeAdapter, ValidationError

    problems: dict[str, str] = {}
    built: T | None = None
    try:
        # Strict, so that "3" and true are no numbers; as JSON, where a list may be a tuple.
        built = TypeAdapter(kind).validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "json_invalid":
                raise ConfigError(f"{where}: {NOT_PLAIN}") from error
            path = ".".join(_given(data, detail["loc"]))
            problems.setdefault(path, _describe(path, detail))
    except RecursionError as error:
        raise ConfigError(f"{where}: {NOT_PLAIN}") from error
    known = list(_keys(kind))
    for path in _unknown(kind, data):
        problems[path] = f"unknown key.{_nearest(path, known)}"
    if problems or built is None:
        dotted = ((f"{prefix}.{path}" if prefix else path, text) for path, text in problems.items())
        raise ConfigError.listed(
            where, [f"{(spelling or {}).get(path, path)}: {text}" for path, text in dotted]
        )
    return built


def _given(data: Any, location: tuple[int | str, ...]) -> Iterator[str]:
    """The parts of a location that the user wrote; pydantic adds names of types to them."""
    for part in location:
        present = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        if not present:
            return
        data = data[part]
        yield str(part)


def _describe(path: str, detail: ErrorDetails) -> str:
    if path in FORMS:
        text = f"must be {FORMS[path]}"
    elif detail["type"] == "dataclass_type":
        text = "must be a table"
    else:
        text = detail["msg"].replace("Input should be", "must be")
    return f"{text}. Got {_SHORT.repr(detail['input'])}."


def _tables(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass, each with its own dataclass where it is a table."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: hints[name] if dataclasses.is_dataclass(hints[name]) else None for name in names}


def _keys(kind: Any, prefix: str = "") -> Iterator[str]:
    """Every dotted key of a dataclass."""
    for name, table in _tables(kind).items():
        yield prefix + name
        if table:
            yield from _keys(table, f"{prefix}{name}.")


def _unknown(kind: Any, data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every dotted key of the data that its dataclass does not have."""
    tables = _tables(kind)
    for name, value in data.items():
        if name not in tables:
            yield prefix + name
        elif tables[name] and isinstance(value, dict):
            yield from _unknown(tables[name], value, f"{prefix}{name}.")


def _nearest(path: str, known: Sequence[str]) -> str:
    """The same key in another table, else the nearest one in the same table."""
    table, _, name = path.rpartition(".")
    elsewhere = [key for key in known if key.rpartition(".")[2] == name]
    siblings = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == table]
    return f" Did you mean '{elsewhere[0]}'?" if elsewhere else did_you_mean(name, siblings)
