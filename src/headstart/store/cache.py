"""All shelves of a machine, and its measurements, in one folder of bounded size.

Knows nothing of what is on them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.config.schema import CacheConfig
from headstart.durable import is_leftover
from headstart.errors import CacheError
from headstart.store.entry import Entry, measurements_entry, shelf_entry, size_of
from headstart.store.lease import Lease, remove_unused
from headstart.store.shelf import Shelf
from headstart.store.turn import turn

__all__ = ["Cache", "Entry", "default_root"]

_MEASUREMENTS = "measurements"
_SHELF = re.compile(r"[0-9a-f]{64}")
_OURS = re.compile(rf"{_SHELF.pattern}|{_MEASUREMENTS}")
# Of the disk, which others write to as well.
_KEPT_FREE = 1 << 30


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
            return Shelf(Lease(folder, label.encode()), self._claimed)
        except OSError as error:
            raise CacheError(self.root, error.strerror) from error

    @property
    def measurements(self) -> Path:
        """A folder for what was measured on this machine: small files, which stay until all is cleared."""
        return self.root / _MEASUREMENTS

    def entries(self) -> list[Entry]:
        """Every shelf, and the measurements together, the least recently used first."""
        with turn(self.root):
            return self._entries()

    def room(self) -> int:
        """The most bytes that `make_room` could make room for."""
        return self._room(self.entries())

    def make_room(self, wanted: int) -> bool:
        """Remove the least recently used shelves until `wanted` bytes more fit in, and on the disk.

        Shelves in use stay. Where it cannot be done, nothing is removed. The room is kept for nobody:
        whoever writes first has it.

        Returns:
            Whether they fit.
        """
        with turn(self.root):
            return self._make_room(wanted)

    def clear(self, older_than: float = 0.0) -> int:
        """Remove all that is not in use, and has not been for so many seconds.

        Returns:
            Bytes freed.
        """
        before = time.time() - older_than
        with turn(self.root):
            self._sweep()
            # A clock that was put back makes last uses that are still to come.
            old = [entry for entry in self._entries() if entry.used <= before or not older_than]
            return sum(entry.size for entry in old if remove_unused(entry.path))

    @contextmanager
    def _claimed(self, size: int) -> Iterator[None]:
        """Room for so many bytes, which nobody else takes before they are written inside.

        Raises:
            CacheError: there is none.
        """
        with turn(self.root):
            if not self._make_room(size):
                limit = f"of at most {self.limit / 1e6:.1f} MB"
                raise CacheError(self.root, f"no room for {size / 1e6:.1f} MB {limit}")
            yield

    def _make_room(self, wanted: int) -> bool:
        if not wanted or self._lacking(wanted) <= 0:
            return True
        self._sweep()
        entries = self._entries()
        if wanted > self._room(entries):
            return False
        lacking = self._lacking(wanted)
        for entry in entries:
            if lacking > 0 and _can_go(entry) and remove_unused(entry.path):
                lacking -= entry.size
        return lacking <= 0

    def _lacking(self, wanted: int) -> int:
        """Bytes that must go before so many fit in."""
        size = sum(size_of(folder) for folder in self._folders() if _OURS.fullmatch(folder.name))
        return max(size + wanted - self.limit, wanted - self._free())

    def _room(self, entries: list[Entry]) -> int:
        loose = sum(entry.size for entry in entries if _can_go(entry))
        held = sum(entry.size for entry in entries) - loose
        return max(0, min(self.limit - held, self._free() + loose))

    def _free(self) -> int:
        """Bytes of the disk that may be taken."""
        there = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free - _KEPT_FREE

    def _entries(self) -> list[Entry]:
        entries = []
        for folder in self._folders():
            # Another process may remove it while it is looked at.
            with suppress(OSError):
                if _SHELF.fullmatch(folder.name):
                    entries.append(shelf_entry(folder))
                elif folder == self.measurements:
                    entries.append(measurements_entry(folder))
        return sorted(entries, key=lambda entry: entry.used)

    def _folders(self) -> list[Path]:
        try:
            return list(self.root.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CacheError(self.root, error.strerror) from error

    def _sweep(self) -> None:
        """Remove what a process left that was killed while it removed a shelf, or the measurements."""
        for folder in self._folders():
            if is_leftover(folder) and _OURS.search(folder.name):
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


def _can_go(entry: Entry) -> bool:
    """Whether it may make room: measurements are small, and other ones would bring other rounding."""
    return not entry.in_use and _SHELF.fullmatch(entry.path.name) is not None
