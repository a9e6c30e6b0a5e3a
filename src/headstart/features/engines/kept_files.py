"""Files that an engine makes, on a shelf: in pieces, so that memory and the cache's limit bear large ones.

They only save time: what is damaged, or has no room, is made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import CacheError, DiskFull
from headstart.store.cache import Cache
from headstart.store.shelf import Shelf

PIECE_BYTES = 8 << 20


@dataclass(frozen=True)
class KeptFiles:
    """Files that belong together; the shelf is in use only while they are read or written.

    Attributes:
        cache: that holds the shelf.
        description: what tells them from all others; plain data.
    """

    cache: Cache
    description: Mapping[str, Any]

    def read(self, names: Sequence[str]) -> list[bytes] | None:
        """The files of some names; None where they are not there, or damaged."""
        try:
            shelf = self.cache.shelf(self.description)
            for version in _versions(shelf):
                if (files := _files(shelf, version, names)) is not None:
                    return files
        except (CacheError, DiskFull, OSError):
            pass
        return None

    def write(self, paths: Sequence[Path]) -> None:
        """Keep files by their names, in place of damaged ones."""
        try:
            if not self.cache.make_room(sum(path.stat().st_size for path in paths)):
                return
            shelf = self.cache.shelf(self.description)
            version = sum(1 for _ in _versions(shelf))
            digests = {path.name: _digest(path) for path in paths}
            with shelf.writing() as writer:
                for path in paths:
                    for place, piece in enumerate(_pieces(path)):
                        writer.add(_piece_key(digests[path.name], place), {"bytes": _array(piece)})
                # Last, so that there is no version without its pieces.
                writer.add(_version_key(version), {name: _array(digest) for name, digest in digests.items()})
        except (CacheError, DiskFull, OSError):
            return


def _versions(shelf: Shelf) -> Iterator[Mapping[str, np.ndarray]]:
    """The sha256 of each file, by name: of those that were written first, then of those after damage."""
    keys = takewhile(lambda key: not shelf.missing([key]), map(_version_key, count()))
    return (shelf.row(key) for key in keys)


def _files(shelf: Shelf, version: Mapping[str, np.ndarray], names: Sequence[str]) -> list[bytes] | None:
    """The files of some names in one version; None unless all are there, and whole."""
    files = []
    for name in names:
        content = _content(shelf, version[name].tobytes()) if name in version else None
        if content is None:
            return None
        files.append(content)
    return files


def _content(shelf: Shelf, digest: bytes) -> bytes | None:
    """What a sha256 is of; None where a piece is missing."""
    keys = takewhile(lambda key: not shelf.missing([key]), (_piece_key(digest, place) for place in count()))
    pieces = BytesIO()  # Joined at the end, they would be in memory twice.
    for key in keys:
        pieces.write(shelf.row(key)["bytes"].data)
    content = pieces.getvalue()
    return content if hashlib.sha256(content).digest() == digest else None


def _version_key(number: int) -> str:
    return f"version {number}"


def _piece_key(digest: bytes, place: int) -> str:
    return f"{digest.hex()} {place}"


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(PIECE_BYTES), b"")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _array(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)
