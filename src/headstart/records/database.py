"""The SQLite file: connections for threads, and transactions that are whole or did not happen.

Knows nothing of what the tables hold.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.errors import RequestError
from headstart.records.failures import said_clearly
from headstart.records.schema import prepare, refuse_foreign
from headstart.records.turn import Turn

# Seconds that one waits for others to finish writing.
PATIENCE = 30.0
# Bytes; to which the log is cut once it is copied, where one large transaction made it long.
LOG = 1 << 26


class Database:
    """A file of records, open; to be closed. Threads and processes may use it at once.

    One that is there, in a folder that this process may not write, is read all the same.

    Args:
        path: of the file; its folder is made where it is missing.
        create: whether to begin a file where there is none.

    Raises:
        RequestError: it is missing, no database of this kind, damaged, or of another format; or it can be
            neither written nor read.
        DiskFull: there is no room.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._turn = Turn(path, PATIENCE)
        self._idle: deque[sqlite3.Connection] = deque()
        self._parents: deque[sqlite3.Connection] = deque()
        self._process = os.getpid()
        self._closed = False
        with said_clearly(path):
            if not create and not path.exists():
                raise RequestError(f"{path}: does not exist.", "Name the folder of a service that has run.")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writable = create or os.access(path.parent, os.W_OK)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def _prepare(self) -> None:
        if self._writable:
            with self._turn.taken(), self._connection() as connection:
                prepare(connection, self.path)
        else:
            with self._connection() as connection:
                refuse_foreign(connection, self.path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees the file as it is now, whatever others write meanwhile."""
        with (
            said_clearly(self.path),
            self._connection() as connection,
            _transaction(connection, "BEGIN"),
        ):
            yield connection

    @contextmanager
    def writing(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, and did not happen where an error ends it.

        Whatever kills the process, what was committed is there.

        Args:
            lasting: whether it must outlive a power cut too, which takes a wait for the disk. Otherwise a
                power cut may cost the last of such transactions, and never half of one.
        """
        with said_clearly(self.path), self._turn.taken(), self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    def close(self) -> None:
        """Close it; connections that are in use, when they no longer are."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone; one that failed is not used again."""
        if self._closed:
            raise ValueError(f"{self.path}: is closed")
        if self._process != os.getpid():
            # SQLite's connections do not survive a fork. They are kept, as closing one would take the
            # parent's locks from it.
            self._parents, self._idle, self._process = self._idle, deque(), os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._give_back(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if not self._writable:
            # It may take the file for one that nobody writes, and would not see who begins to.
            connection.close()
            return
        self._idle.append(connection)
        # Closing may have passed by since it was taken.
        if self._closed:
            self.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path if self._writable else _to_read(self.path),
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,
            uri=not self._writable,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {LOG}")
        except BaseException:
            connection.close()
            raise
        return connection


def _to_read(path: Path) -> str:
    """The address of a file in a folder that cannot be written (https://sqlite.org/wal.html#readonly).

    Raises:
        RequestError: its log is needed, and the index of the log, which SQLite would write, is not there.
    """
    log, index = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    address = f"{path.absolute().as_uri()}?mode=ro"
    if log.exists() and index.exists():
        return address
    if log.exists() and log.stat().st_size:
        raise RequestError(
            f"{path}: cannot be read where it cannot be written: a part of it is in its log still.",
            "Copy the folder to where it can be written.",
        )
    # Whoever used it would have a log: nobody does, so that it does not change.
    return f"{address}&immutable=1"


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # After some failures SQLite has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
