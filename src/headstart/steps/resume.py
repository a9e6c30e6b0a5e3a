"""What a run goes on with when it is resumed: its own request, split and plan, whatever changed since."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.artifact.run import RunFolder, read_json
from headstart.config.schema import Config
from headstart.config.toml import dump
from headstart.data.dataset import Splits
from headstart.errors import ConfigError, DataError
from headstart.planning.lines import plan_from
from headstart.planning.plan import Plan
from headstart.steps.prepare import Prepared

# What another place or machine may want otherwise, and the weights do not depend on.
FREE = frozenset(
    {
        "cache.gigabytes",
        "cache.path",
        "data.path",
        "device",
        "golden_samples",
        "tensorboard",
        "time_limit",
    }
)


def as_request(config: Config) -> Config:
    """A request as its run keeps it: repeatable from any folder."""
    path = str(Path(config.data.path).resolve())
    return replace(config, data=replace(config.data, path=path), out=None)


def request_record(config: Config) -> dict[str, Any]:
    """The settings of a request by dotted key, as plan.json has them."""
    return dict(_flat(tomllib.loads(dump(as_request(config)))))


def refuse_other_request(folder: RunFolder, config: Config) -> None:
    """Check that a request is the one that a run began with.

    Raises:
        ConfigError: lists every setting that differs.
    """
    if not folder.plan.exists():
        return
    begun, now = read_json(folder.plan, "request")["request"], request_record(config)
    problems = [
        f"{key}: was {begun.get(key, 'not set')!r}, now {now.get(key, 'not set')!r}."
        for key in sorted(begun.keys() | now.keys())
        if begun.get(key) != now.get(key) and key not in FREE
    ]
    if problems:
        raise ConfigError.listed(
            f"{folder.path}: the request differs from the one that this run began with",
            problems,
            "Resume without these changes, or begin a new run with them.",
        )


def prepared_as_begun(folder: RunFolder, prepared: Prepared, *, allow_data_change: bool) -> Prepared:
    """The data with the split that a run began with, where it has begun.

    Where the data changed and that is allowed, examples that are gone are left out and new ones
    are not used.

    Raises:
        DataError: it changed, and that is not allowed.
    """
    if not folder.data.exists():
        return prepared
    begun = read_json(folder.data, "fingerprint", "splits", "split_reason")
    if begun["fingerprint"] != prepared.fingerprint and not allow_data_change:
        raise DataError(
            f"{prepared.dataset.name}: the data changed since this run began (fingerprint "
            f"{begun['fingerprint'][:12]}… then, {prepared.fingerprint[:12]}… now).",
            "Begin a new run, or resume with --allow-data-change.",
        )
    there = {example.id for example in prepared.dataset.examples}
    parts = {name: tuple(id for id in ids if id in there) for name, ids in begun["splits"].items()}
    return replace(prepared, splits=Splits(**parts, reason=begun["split_reason"]))


def plan_as_begun(folder: RunFolder, config: Config, device: str) -> Plan | None:
    """The plan that a run began with, on the device at hand; None where it has not begun, or had no time to.

    What runs frozen layers on a device of another kind is chosen there, unless it was asked for.
    """
    if not folder.plan.exists():
        return None
    begun = plan_from(read_json(folder.plan, "decisions"))
    if not begun.in_time:
        return None
    plan = replace(begun, device=device)
    if config.features.engine or _kind(begun.device) == _kind(device):
        return plan
    reasons = {**plan.reasons, "engines": f"chosen anew, as the run went on on {device}"}
    return replace(plan, engines={}, reasons=reasons)


def _kind(device: str) -> str:
    """Such as "cuda", whichever of them."""
    return device.partition(":")[0]


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
