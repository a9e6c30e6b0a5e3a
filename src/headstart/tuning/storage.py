"""Where the trials of a study are kept: a journal in a file, or a database that several machines reach.

A journal is a line for each change. A process that is killed may leave half a line, behind which the next
one would be unreadable, and a lock that nobody lets go of; both are seen to here.
"""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.durable import write_file_durably
from headstart.errors import MissingExtra, RequestError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "study.journal"
# Seconds between signs of life of a trial in a database, and after which silence is death.
HEARTBEAT, SILENCE = 60, 300
# Bytes that are read at once in search of the end of a line.
BLOCK = 4096


def open_storage(folder: Path, url: str | None) -> BaseStorage:
    """The storage of a study.

    Args:
        folder: of the study, which holds the journal.
        url: of a database; None is the journal.

    Raises:
        MissingExtra: Optuna, or the driver of the database, is not installed.
        RequestError: the database cannot be reached.
    """
    optuna = optuna_itself()
    if url is None:
        journal = folder / JOURNAL
        lock = Lock(journal)
        repair(journal, lock)
        backend = optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=lock)
        storage: BaseStorage = optuna.storages.JournalStorage(backend)
        return storage
    try:
        with warnings.catch_warnings():
            # Signs of life are new there, and this says so.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            database: BaseStorage = optuna.storages.RDBStorage(
                url, heartbeat_interval=HEARTBEAT, grace_period=SILENCE
            )
    except ImportError as error:
        raise MissingExtra(
            f"The database of {_without_secrets(url)}", "pip install 'headstart[tune]' psycopg2-binary"
        ) from error
    # SQLAlchemy passes on the errors of its drivers, whichever is installed.
    except Exception as error:
        raise RequestError(
            f"--storage {_without_secrets(url)}: cannot be opened: {str(error).splitlines()[0].rstrip('.')}.",
            "Check the address, or leave it out: a journal in the study's folder serves.",
        ) from error
    return database


def optuna_itself() -> Any:
    """The module, silent.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtra("headstart tune", "pip install 'headstart[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Lock:
    """Whose turn it is to write into a journal. The system lets go of it when its holder dies, however.

    Who has it finds whole lines only: the rest of one that its writer did not live to end is cut off.

    Args:
        journal: the file.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._file: FileIO | None = None

    def acquire(self) -> bool:
        """Wait until it is held."""
        self._file = FileIO(self._journal.with_suffix(".lock"), "a+")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        _cut_torn_end(self._journal)
        return True

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None


def repair(journal: Path, lock: Lock) -> None:
    """Drop lines that are no changes; what they were to say did not happen, as far as anybody knows."""
    lock.acquire()
    try:
        content = journal.read_bytes() if journal.exists() else b""
        whole = b"".join(line for line in content.splitlines(keepends=True) if _is_whole(line))
        if whole != content:
            write_file_durably(journal, whole)
    finally:
        lock.release()


def _cut_torn_end(journal: Path) -> None:
    """Cut off what stands behind the last end of a line."""
    if not journal.exists():
        return
    with journal.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - BLOCK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            file.truncate(end)


def _is_whole(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _without_secrets(url: str) -> str:
    """The address of a database without its password."""
    scheme, separator, rest = url.partition("://")
    secret, at, place = rest.rpartition("@")
    user = secret.partition(":")[0]
    return f"{scheme}{separator}{f'{user}:…' if ':' in secret else secret}{at}{place}"
