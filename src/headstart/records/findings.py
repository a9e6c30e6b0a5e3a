"""What was found about models and done about them: windows of drift, and decisions; and how much there is.

Functions of a connection in a transaction.
"""

from __future__ import annotations

import sqlite3

from headstart.records.cells import pack_plain, storable, unpack_plain
from headstart.records.values import Decision, Overview, Window
from headstart.records.versions import refuse_unknown

_WINDOW = "version, at, first, last, first_number, last_number, n, alarm, settled, findings"


def add_window(connection: sqlite3.Connection, window: Window) -> bool:
    """Write a window, unless another has some of its predictions; whether it is written.

    Raises:
        RequestError: its version is not known.
    """
    refuse_unknown(connection, {window.version})
    if reached(connection, window.version) >= window.first_number:
        return False
    connection.execute(
        f"INSERT INTO windows ({_WINDOW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            window.version,
            window.at,
            window.first,
            window.last,
            window.first_number,
            window.last_number,
            window.n,
            int(window.alarm),
            int(window.settled),
            pack_plain(dict(window.findings)),
        ),
    )
    return True


def settle_window(connection: sqlite3.Connection, window: Window) -> bool:
    """Write what later labels show of a window, unless that was done; whether it is written."""
    changed = connection.execute(
        "UPDATE windows SET at = ?, alarm = ?, settled = 1, findings = ?"
        " WHERE version = ? AND last_number = ? AND settled = 0",
        (
            window.at,
            int(window.alarm),
            pack_plain(dict(window.findings)),
            window.version,
            window.last_number,
        ),
    )
    return changed.rowcount == 1


def reached(connection: sqlite3.Connection, version: int) -> int:
    """The number of the last prediction of a version that a window has; 0 where none has any."""
    found = connection.execute("SELECT max(last_number) FROM windows WHERE version = ?", (version,))
    return found.fetchone()[0] or 0


def windows(connection: sqlite3.Connection, of: int | None, *, newest: int | None) -> list[Window]:
    """Windows of one version or of all, oldest first; at most so many, the newest."""
    rows = connection.execute(
        f"SELECT {_WINDOW} FROM windows WHERE ? IS NULL OR version = ? ORDER BY number DESC LIMIT ?",
        (of, of, -1 if newest is None else newest),
    ).fetchall()
    return [
        Window(
            version=version,
            at=at,
            first=first,
            last=last,
            first_number=first_number,
            last_number=last_number,
            n=n,
            alarm=bool(alarm),
            settled=bool(settled),
            findings=unpack_plain(found),
        )
        for version, at, first, last, first_number, last_number, n, alarm, settled, found in reversed(rows)
    ]


def add_decision(connection: sqlite3.Connection, decision: Decision) -> None:
    """Write a decision.

    Raises:
        RequestError: its version is not known.
    """
    if decision.version is not None:
        refuse_unknown(connection, {decision.version})
    connection.execute(
        "INSERT INTO decisions (at, kind, version, outcome, why, evidence) VALUES (?, ?, ?, ?, ?, ?)",
        (
            decision.at,
            storable(decision.kind),
            decision.version,
            storable(decision.outcome),
            storable(decision.why),
            pack_plain(dict(decision.evidence)),
        ),
    )


def decisions(connection: sqlite3.Connection) -> list[Decision]:
    """All, oldest first."""
    rows = connection.execute(
        "SELECT at, kind, version, outcome, why, evidence FROM decisions ORDER BY number"
    )
    return [
        Decision(at, kind, version, outcome, why, unpack_plain(evidence))
        for at, kind, version, outcome, why, evidence in rows
    ]


def overview(connection: sqlite3.Connection) -> Overview:
    """How much of everything there is."""
    found = connection.execute(
        "SELECT predictions, predictions_labelled,"
        " (SELECT at FROM predictions ORDER BY number LIMIT 1),"
        " (SELECT at FROM predictions ORDER BY number DESC LIMIT 1),"
        " (SELECT count(*) FROM inputs), input_bytes,"
        " (SELECT count(*) FROM windows), (SELECT coalesce(sum(alarm), 0) FROM windows),"
        " (SELECT count(*) FROM decisions) FROM totals"
    )
    return Overview(*found.fetchone())
