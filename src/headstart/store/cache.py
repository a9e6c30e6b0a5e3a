"""All shelves of a machine, in one folder of bounded size. Knows nothing of what is on them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.config.schema import CacheConfig
from headstart.durable import is_leftover
from headstart.errors import CacheError
from headstart.store.lease import LABEL, Lease, in_use, last_used, remove_unused
from headstart.store.segments import rows_of
from headstart.store.shelf import Shelf

_SHELF = re.compile(r"[0-9a-f]{64}")
# Of the disk, which others write to as well.
_KEPT_FREE = 1 << 30


@dataclass(frozen=True)
class Entry:
    """A shelf as it lies there.

    Attributes:
        path: its folder.
        description: what it was made for; empty where that cannot be read.
        rows: how many.
        size: in bytes.
        used: when it was opened last, in seconds since 1970.
        in_use: whether a process has it open, and it cannot be removed.
    """

    path: Path
    description: Mapping[str, Any]
    rows: int
    size: int
    used: float
    in_use: bool


@dataclass(frozen=True)
class Cache:
    """Shelves below one folder. Several processes may use, fill and clear it at once.

    Attributes:
        root: need not exist.
        limit: of all shelves together, in bytes.
    """

    root: Path
    limit: int

    @classmethod
    def of(cls, config: CacheConfig) -> Cache:
        """The cache of a request.

        Raises:
            CacheError: nothing says where it should be.
        """
        root = Path(config.path).expanduser() if config.path else default_root()
        return cls(root, int(config.gigabytes * 1e9))

    def shelf(self, description: Mapping[str, Any]) -> Shelf:
        """The shelf of rows that a description tells apart from all others.

        Args:
            description: plain data.

        Raises:
            CacheError: it cannot be written.
            DiskFull: there is no room to begin it.
        """
        canonical = json.dumps(description, sort_keys=True, separators=(",", ":")).encode()
        folder = self.root / hashlib.sha256(canonical).hexdigest()
        label = json.dumps(description, indent=2) + "\n"
        try:
            return Shelf(Lease(folder, label.encode()))
        except OSError as error:
            raise CacheError(self.root, error.strerror) from error

    def entries(self) -> list[Entry]:
        """Every shelf, the least recently used first."""
        return sorted(self._entries(), key=lambda entry: entry.used)

    def room(self) -> int:
        """The most bytes that `make_room` could make room for."""
        return self._room(self.entries())

    def make_room(self, wanted: int) -> bool:
        """Remove the least recently used shelves until `wanted` bytes more fit in, and on the disk.

        Shelves in use stay. Where it cannot be done, nothing is removed.

        Returns:
            Whether they fit.
        """
        self._sweep()
        entries = self.entries()
        if wanted > self._room(entries):
            return False
        size = sum(entry.size for entry in entries)
        lacking = max(size + wanted - self.limit, wanted - self._free())
        for entry in entries:
            if lacking > 0 and remove_unused(entry.path):
                lacking -= entry.size
        return lacking <= 0

    def clear(self, older_than: float = 0.0) -> int:
        """Remove every shelf that is not in use, and has not been for so many seconds.

        Returns:
            Bytes freed.
        """
        self._sweep()
        before = time.time() - older_than
        # A clock that was put back makes last uses that are still to come.
        old = [entry for entry in self.entries() if entry.used <= before or not older_than]
        return sum(entry.size for entry in old if remove_unused(entry.path))

    def _room(self, entries: list[Entry]) -> int:
        held = sum(entry.size for entry in entries if entry.in_use)
        loose = sum(entry.size for entry in entries) - held
        return max(0, min(self.limit - held, self._free() + loose))

    def _free(self) -> int:
        """Bytes of the disk that may be taken."""
        there = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free - _KEPT_FREE

    def _entries(self) -> Iterator[Entry]:
        for folder in self._folders():
            # Another process may remove it while it is looked at.
            with suppress(OSError):
                if _SHELF.fullmatch(folder.name):
                    yield _entry(folder)

    def _folders(self) -> list[Path]:
        try:
            return list(self.root.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CacheError(self.root, error.strerror) from error

    def _sweep(self) -> None:
        """Remove what a process left that was killed while it removed a shelf."""
        for folder in self._folders():
            if is_leftover(folder) and _SHELF.search(folder.name):
                shutil.rmtree(folder, ignore_errors=True)


def default_root() -> Path:
    """Where the cache is unless something else is asked for: HEADSTART_CACHE, or the system's place.

    Raises:
        CacheError: there is no home folder, and no variable that says another.
    """
    if place := os.environ.get("HEADSTART_CACHE"):
        return Path(place).expanduser()
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or usual).expanduser() / "headstart"
    except RuntimeError as error:
        raise CacheError(usual, "there is no home folder") from error


def _entry(folder: Path) -> Entry:
    files = list(folder.iterdir())
    try:
        description = json.loads((folder / LABEL).read_text())
    except (OSError, ValueError):
        description = None
    return Entry(
        path=folder,
        description=description if isinstance(description, dict) else {},
        rows=sum(rows_of(file.name) for file in files),
        size=sum(file.stat().st_size for file in files),
        used=last_used(folder),
        in_use=in_use(folder),
    )
