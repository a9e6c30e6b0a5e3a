"""The models that a service knows, and which of them has which alias.

Functions of a connection in a transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from headstart.errors import RequestError, did_you_mean
from headstart.records.cells import pack_path, pack_plain, storable, unpack_labels, unpack_path
from headstart.records.values import Version

CHAMPION, CHALLENGER = "champion", "challenger"
ALIASES = (CHAMPION, CHALLENGER)
_COLUMNS = "number, path, sha256, task, labels, added, note"


def add(
    connection: sqlite3.Connection, path: str, sha256: str, *, task: str, labels: Sequence[str], note: str
) -> Version:
    """A model, now known; the same path and sha256 again is the version that is there."""
    same = ("WHERE sha256 = ? AND path = ?", storable(sha256), pack_path(path))
    # An insertion that is refused would use up a number, so it is looked first.
    if not _select(connection, *same):
        connection.execute(
            "INSERT INTO versions (sha256, path, task, labels, added, note) VALUES (?, ?, ?, ?, ?, ?)",
            (*same[1:], storable(task), pack_plain(list(labels)), time.time(), storable(note)),
        )
    (found,) = _select(connection, *same)
    return found


def move(connection: sqlite3.Connection, number: int, path: str) -> Version:
    """Say where a version lies now.

    Raises:
        RequestError: there is no such version.
    """
    refuse_unknown(connection, {number})
    connection.execute("UPDATE versions SET path = ? WHERE number = ?", (pack_path(path), number))
    return numbered(connection, number)


def every(connection: sqlite3.Connection) -> tuple[Version, ...]:
    """All, oldest first."""
    return _select(connection, "ORDER BY number")


def numbered(connection: sqlite3.Connection, number: int) -> Version:
    """The one with a number.

    Raises:
        RequestError: there is none.
    """
    refuse_unknown(connection, {number})
    (found,) = _select(connection, "WHERE number = ?", number)
    return found


def refuse_unknown(connection: sqlite3.Connection, numbers: Collection[int]) -> None:
    """Refuse numbers that no version has.

    Raises:
        RequestError: one has none.
    """
    known = [number for (number,) in connection.execute("SELECT number FROM versions ORDER BY number")]
    for number in sorted(set(numbers).difference(known)):
        there = ", ".join(map(str, known[-10:])) if known else "none yet"
        raise RequestError(f"There is no version {number} here.", f"There are: {there}.")


def by_alias(connection: sqlite3.Connection, alias: str) -> Version | None:
    """The version that has an alias now.

    Raises:
        RequestError: there is no such alias.
    """
    refuse_unknown_alias(alias)
    _, version, _ = _current(connection, alias)
    return None if version is None else numbered(connection, version)


def aliases(connection: sqlite3.Connection) -> dict[str, int]:
    """The aliases that are given now, each with its version's number."""
    given = {alias: _current(connection, alias)[1] for alias in ALIASES}
    return {alias: version for alias, version in given.items() if version is not None}


def point(connection: sqlite3.Connection, alias: str, number: int | None, *, why: str) -> None:
    """Give an alias to a version, or to none; nothing happens where it has it.

    A champion is challenger no more.

    Raises:
        RequestError: there is no such version or alias.
    """
    refuse_unknown_alias(alias)
    if number is not None:
        refuse_unknown(connection, {number})
    row, version, _ = _current(connection, alias)
    if version != number:
        _write(connection, alias, number, why=why, before=row)
    if alias == CHAMPION and number is not None and aliases(connection).get(CHALLENGER) == number:
        point(connection, CHALLENGER, None, why="it is champion")


def succeed(connection: sqlite3.Connection, number: int, *, instead_of: int | None, why: str) -> bool:
    """Make a version champion, unless another than `instead_of` is by now; whether it is.

    Raises:
        RequestError: there is no such version.
    """
    if aliases(connection).get(CHAMPION) != instead_of:
        return False
    point(connection, CHAMPION, number, why=why)
    return True


def former(connection: sqlite3.Connection, alias: str) -> tuple[Version, int | None]:
    """The version that had an alias before the one of now, and the row before that.

    Raises:
        RequestError: there was none.
    """
    _, version, before = _current(connection, alias)
    # Rows at which nobody had it are passed over.
    while before is not None:
        earlier, before_that = connection.execute(
            "SELECT version, before FROM aliases WHERE number = ?", (before,)
        ).fetchone()
        if earlier is not None:
            return numbered(connection, earlier), before_that
        before = before_that
    now = f"version {version} was the first" if version is not None else "there never was one"
    raise RequestError(f"No {alias} to go back to: {now}.", _instead(connection, alias, version))


def _instead(connection: sqlite3.Connection, alias: str, number: int | None) -> str:
    """What to do where a version has an alias, and none had it before.

    Named is whichever other had it last, such as one that was rolled back from, or else the newest.
    """
    had = [version for version, _, _ in history(connection, alias) if version not in (None, number)]
    others = had or [one.number for one in every(connection) if one.number != number]
    if not others:
        return "No other version is known; add one: headstart versions SERVICE --add RUN."
    other = others[-1]
    return (
        f"Promote another, such as version {other}: headstart versions SERVICE --promote {other}, "
        f"or POST /models/{other}/promote."
    )


def back(connection: sqlite3.Connection, alias: str, number: int, *, why: str) -> None:
    """Give an alias back to the version that had it before; again, further back.

    Raises:
        RequestError: there was none, or it is not the version of that number.
    """
    version, before = former(connection, alias)
    if number != version.number:
        raise RequestError(
            f"The {alias} changed meanwhile: version {number} is not the one before it.", "Look again."
        )
    _write(connection, alias, number, why=why, before=before)


def history(connection: sqlite3.Connection, alias: str) -> tuple[tuple[int | None, float, str], ...]:
    """Which version an alias was given to, when and why, oldest first; None where it was removed.

    Raises:
        RequestError: there is no such alias.
    """
    refuse_unknown_alias(alias)
    found = connection.execute(
        "SELECT version, at, why FROM aliases WHERE alias = ? ORDER BY number", (alias,)
    )
    return tuple(found.fetchall())


def refuse_unknown_alias(alias: str) -> None:
    """Refuse a name that is no alias.

    Raises:
        RequestError: it is none.
    """
    if alias not in ALIASES:
        near = did_you_mean(alias, ALIASES)
        raise RequestError(f"unknown alias '{alias}'.{near}", f"There are: {', '.join(ALIASES)}.")


def _current(connection: sqlite3.Connection, alias: str) -> tuple[int | None, int | None, int | None]:
    """The last row of an alias: its number, version, and the row before it; None where there is none."""
    found = connection.execute(
        "SELECT number, version, before FROM aliases WHERE alias = ? ORDER BY number DESC LIMIT 1", (alias,)
    ).fetchone()
    return found or (None, None, None)


def _write(
    connection: sqlite3.Connection, alias: str, version: int | None, *, why: str, before: int | None
) -> None:
    connection.execute(
        "INSERT INTO aliases (alias, version, at, why, before) VALUES (?, ?, ?, ?, ?)",
        (alias, version, time.time(), storable(why), before),
    )


def _select(connection: sqlite3.Connection, condition: str, *values: Any) -> tuple[Version, ...]:
    found = connection.execute(f"SELECT {_COLUMNS} FROM versions {condition}", values)
    return tuple(
        Version(number, unpack_path(path), sha256, task, unpack_labels(labels), added, note)
        for number, path, sha256, task, labels, added, note in found
    )
