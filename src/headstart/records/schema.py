"""The tables, and which file has them.

The order of things is that of their numbers, which only grow; times are for people, and a clock may jump
back. What belongs together goes together, by foreign keys and triggers, whoever removes it: a prediction with
its feedback, an input with the last prediction that kept it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from headstart.errors import RequestError

# Says whose the file is ("HdSt"), and in which form.
APPLICATION = 0x48645374
FORMAT = 2
# Bytes. Rows of 1280 features fit three times into a page of 8192, and once only into the usual one.
PAGE = 8192
_HEADER = 100

TABLES = (
    """CREATE TABLE versions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL,
        sha256 TEXT NOT NULL,
        task TEXT NOT NULL,
        labels TEXT NOT NULL,
        added REAL NOT NULL,
        note TEXT NOT NULL,
        UNIQUE (sha256, path)
    )""",
    # An alias is where its last row points, nowhere where that has no version. `before` is the row that a
    # roll back returns to; so rows form a tree, and rolling back walks toward its root.
    """CREATE TABLE aliases (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        alias TEXT NOT NULL,
        version INTEGER REFERENCES versions,
        at REAL NOT NULL,
        why TEXT NOT NULL,
        before INTEGER REFERENCES aliases
    )""",
    # Their bytes stand apart, so that these rows are read and changed without them.
    """CREATE TABLE inputs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        hash TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        used INTEGER NOT NULL DEFAULT 0,
        labelled INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE contents (
        input INTEGER PRIMARY KEY REFERENCES inputs ON DELETE CASCADE,
        bytes BLOB NOT NULL
    )""",
    """CREATE TABLE predictions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL REFERENCES versions,
        at REAL NOT NULL,
        input_hash TEXT NOT NULL,
        label TEXT,
        score REAL,
        milliseconds REAL NOT NULL,
        media_type TEXT NOT NULL,
        input INTEGER REFERENCES inputs ON DELETE SET NULL,
        labelled INTEGER NOT NULL DEFAULT 0,
        scores BLOB NOT NULL,
        features BLOB
    )""",
    """CREATE TABLE feedback (
        prediction INTEGER PRIMARY KEY REFERENCES predictions ON DELETE CASCADE,
        labels TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    """CREATE TABLE windows (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES versions,
        at REAL NOT NULL,
        first REAL NOT NULL,
        last REAL NOT NULL,
        first_number INTEGER NOT NULL,
        last_number INTEGER NOT NULL,
        n INTEGER NOT NULL,
        alarm INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        findings TEXT NOT NULL
    )""",
    """CREATE TABLE decisions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        version INTEGER REFERENCES versions,
        outcome TEXT NOT NULL,
        why TEXT NOT NULL,
        evidence TEXT NOT NULL
    )""",
    # One row: counting a table anew for every prediction would take longer than writing it.
    """CREATE TABLE totals (
        predictions INTEGER NOT NULL,
        predictions_labelled INTEGER NOT NULL,
        input_bytes INTEGER NOT NULL,
        input_bytes_labelled INTEGER NOT NULL
    )""",
    "INSERT INTO totals VALUES (0, 0, 0, 0)",
    "CREATE INDEX predictions_labelled ON predictions (labelled)",
    "CREATE INDEX predictions_input ON predictions (input)",
    "CREATE INDEX inputs_used ON inputs (labelled, used)",
    "CREATE INDEX windows_reached ON windows (version, last_number)",
    """CREATE TRIGGER prediction_added AFTER INSERT ON predictions BEGIN
        UPDATE totals SET predictions = predictions + 1;
        UPDATE inputs SET used = NEW.number WHERE number = NEW.input;
    END""",
    """CREATE TRIGGER prediction_removed AFTER DELETE ON predictions BEGIN
        UPDATE totals SET predictions = predictions - 1,
            predictions_labelled = predictions_labelled - OLD.labelled;
        DELETE FROM inputs WHERE number = OLD.input
            AND NOT EXISTS (SELECT 1 FROM predictions WHERE input = OLD.input);
    END""",
    """CREATE TRIGGER feedback_added AFTER INSERT ON feedback BEGIN
        UPDATE predictions SET labelled = 1 WHERE number = NEW.prediction;
        UPDATE totals SET predictions_labelled = predictions_labelled + 1;
        UPDATE inputs SET labelled = 1 WHERE labelled = 0
            AND number = (SELECT input FROM predictions WHERE number = NEW.prediction);
    END""",
    """CREATE TRIGGER input_added AFTER INSERT ON inputs BEGIN
        UPDATE totals SET input_bytes = input_bytes + NEW.size;
    END""",
    """CREATE TRIGGER input_labelled AFTER UPDATE OF labelled ON inputs BEGIN
        UPDATE totals SET input_bytes_labelled = input_bytes_labelled
            + NEW.size * (NEW.labelled - OLD.labelled);
    END""",
    """CREATE TRIGGER input_removed AFTER DELETE ON inputs BEGIN
        UPDATE totals SET input_bytes = input_bytes - OLD.size,
            input_bytes_labelled = input_bytes_labelled - OLD.size * OLD.labelled;
    END""",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a file that is empty, and see to it that one that is not has them.

    Args:
        connection: nobody else writes through another meanwhile.
        path: of the file.

    Raises:
        RequestError: the file is another program's, or of another headstart's format.
    """
    # SQLite takes a file that is shorter than its header for an empty one. It is not opened to look, as
    # closing it would take the locks of this process from it.
    if 0 < path.stat().st_size < _HEADER:
        raise RequestError(f"{path}: no records of headstart (file is not a database).", "Name another file.")
    if _is_empty(connection):
        # Both only before there are tables.
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _log_ahead(connection, path)
        _make_tables(connection)
    else:
        refuse_foreign(connection, path)
        _log_ahead(connection, path)


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return tables == 0 and _mark(connection, "application_id") == 0


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """See to it that a file has the tables.

    Raises:
        RequestError: it is another program's, or of another headstart's format.
    """
    if _mark(connection, "application_id") != APPLICATION:
        raise RequestError(f"{path}: a database, but no records of headstart.", "Name another file.")
    found = _mark(connection, "user_version")
    if found > FORMAT:
        raise RequestError(
            f"{path}: has format {found}; this headstart reads up to {FORMAT}.",
            "Install the headstart that wrote it, or a newer one.",
        )
    if found < FORMAT:
        raise RequestError(
            f"{path}: has format {found}, of an older headstart; this one reads {FORMAT}.",
            "Move it away: a new file is begun then. The headstart that wrote it still reads it.",
        )


def _log_ahead(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise RequestError(
            f"{path}: the file system cannot hold a write-ahead log (journal mode {mode}).",
            "Choose a folder on a local disk.",
        )


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _mark(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
