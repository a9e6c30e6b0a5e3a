"""headstart cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from headstart.errors import ConfigError

if TYPE_CHECKING:
    from headstart.store.cache import Cache, Entry

_LONGEST = 40  # characters of a text that is shown; what is longer is a checksum or a list


def cache(
    *,
    clear: Annotated[bool, Option("--clear", help="Remove everything that is not in use.")] = False,
    older_than: Annotated[
        str | None,
        Option("--older-than", metavar="TIME", help="With --clear: only what was not used for TIME."),
    ] = None,
    config: Annotated[Path | None, Option(metavar="FILE", help="A request that names another cache.")] = None,
    settings: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Any key of the config; may be repeated.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print what is there, or was freed, as JSON.")] = False,
) -> None:
    """Show what is kept of earlier runs, or remove it.

    Everything in it is computed again where it is needed.
    """
    age = _age(older_than, clear=clear)

    from rich.filesize import decimal

    from headstart.config.load import load
    from headstart.store.cache import Cache

    kept = Cache.of(load(config, settings or ()).cache)
    if not clear:
        print(json.dumps(_state(kept), indent=2)) if as_json else _show(kept)
        return
    freed = kept.clear(age)
    in_use = sum(entry.in_use for entry in kept.entries())
    if as_json:
        print(json.dumps({"freed": freed, "in_use": in_use}, indent=2))
    else:
        print(f"Freed {decimal(freed)}." + (f" {in_use} in use stay." if in_use else ""))


def _age(older_than: str | None, *, clear: bool) -> float:
    """The seconds of ``--older-than``."""
    from headstart.config.duration import seconds

    if older_than is None:
        return 0.0
    if not clear:
        raise ConfigError("--older-than: says what --clear removes.", "Add --clear.")
    age = seconds(older_than)
    if age is None:
        raise ConfigError(
            f"--older-than: must be a duration. Got '{older_than}'.", "Write it as 30d, or 12h."
        )
    return age


def _state(kept: Cache) -> dict[str, Any]:
    """The cache as plain data."""
    entries = kept.entries()
    shelves = [
        {**asdict(entry), "path": str(entry.path), "used": _moment(entry).isoformat()} for entry in entries
    ]
    return {
        "path": str(kept.root),
        "limit": kept.limit,
        "size": sum(entry.size for entry in entries),
        "shelves": shelves,
    }


def _show(kept: Cache) -> None:
    """Where it is, and a line for each shelf, and one for the measurements, the last used first."""
    from rich.filesize import decimal

    entries = kept.entries()[::-1]
    size = sum(entry.size for entry in entries)
    print(f"{kept.root}: {decimal(size)} of at most {decimal(kept.limit)}")
    if entries:
        _show_table(entries)


def _show_table(entries: Sequence[Entry]) -> None:
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("what", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("last used", no_wrap=True)
    for entry in entries:
        used = "now" if entry.in_use else f"{_moment(entry):%Y-%m-%d %H:%M}"
        rows = f"{entry.rows:,}" if entry.rows else ""
        table.add_row(_words(entry), rows, decimal(entry.size), used)
    # Names may hold what rich would take for markup.
    Console(markup=False, highlight=False).print(table)


def _words(entry: Entry) -> str:
    """What a shelf is for, in few words: the short texts of its description."""
    texts = (value for value in entry.description.values() if isinstance(value, str))
    return ", ".join(text for text in texts if 0 < len(text) <= _LONGEST) or entry.path.name[:12]


def _moment(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.used).astimezone().replace(microsecond=0)
