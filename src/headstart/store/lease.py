"""A folder in use: held against removal, and tidied after writers that were killed.

The lock is the system's, which lets go of it when a process dies, however that comes about. Knows
nothing of what the folder holds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import FileIO
from pathlib import Path

from headstart.durable import remove_folder, remove_leftovers, write_file_durably

LOCK = "lock"
LABEL = "shelf.json"
# Of one lease; macOS allows a process 256.
_OPEN_FILES = 64


class _File(FileIO):
    """An open file that is closed when nothing refers to it any more."""

    def __del__(self) -> None:
        self.close()


class Lease:
    """A folder that nobody removes while this object lives; it is made where it is missing.

    Where a person removes the folder nevertheless, those files stay readable that were opened last.

    Args:
        folder: of a shelf.
        label: what the folder is for; kept in it.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, label: bytes) -> None:
        self.folder = folder
        self._lock = _shared(folder, label)
        self._opened = lru_cache(maxsize=_OPEN_FILES)(_File)
        os.utime(self._lock.fileno())

    def open(self, name: str) -> FileIO:
        """A file of the folder, to read; it is opened once, and closed when it is no longer needed."""
        return self._opened(f"{self.folder}/{name}")

    def names(self) -> set[str]:
        """The files that the folder holds now."""
        with suppress(FileNotFoundError), os.scandir(self.folder) as found:
            return {entry.name for entry in found}
        return set()


def in_use(folder: Path) -> bool:
    """Whether a folder is there, and is held or not ours to remove.

    Looking holds it for a moment; two that look at once must wait for each other.
    """
    try:
        with _exclusive(folder):
            return False
    except OSError:
        return folder.exists()


def remove_unused(folder: Path) -> bool:
    """Remove a folder that is not in use; whether it is gone, also by another process."""
    with suppress(OSError), _exclusive(folder):
        remove_folder(folder)
    return not folder.exists()


def last_used(folder: Path) -> float:
    """When a lease of the folder began last, in seconds since 1970."""
    return (folder / LOCK).stat().st_mtime


def _shared(folder: Path, label: bytes) -> FileIO:
    """The lock of a folder, held together with others; who comes alone tidies up first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    while True:
        # Another process may remove the folder at any point before the lock is held.
        with suppress(FileExistsError):
            folder.mkdir()
        with suppress(FileNotFoundError):
            lock = _File(folder / LOCK, "a+")
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_leftovers(folder)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if _locks(lock, folder):
                if not (folder / LABEL).exists():
                    write_file_durably(folder / LABEL, label)
                return lock


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder alone.

    Raises:
        OSError: it is in use, gone, or another user's.
    """
    with FileIO(folder / LOCK, "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _locks(lock, folder):
            raise FileNotFoundError(folder)
        yield


def _locks(lock: FileIO, folder: Path) -> bool:
    """Whether it is the folder's lock still, which may have been removed, or made anew since."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat())
    except FileNotFoundError:
        return False
