"""What a text is, from one look at all of it: its content, its length, and a hash of its words."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

import numpy as np

from headstart.contracts import Scan
from headstart.errors import DataError

_WORD = re.compile(r"\w+")
_BITS = np.arange(64, dtype=np.uint64)
# Words of a text that are looked at: two that begin with so many alike ones are near copies.
_MOST_WORDS = 5_000


def unreadable(error: DataError, name: str) -> Scan:
    """What an input is that cannot be read, by the error that said so.

    Args:
        error: as reading raised it.
        name: by which its message calls the input.
    """
    return Scan(error=error.cause.removeprefix(f"{name}: "))


def scan_parts(parts: tuple[str, ...]) -> Scan:
    """What one text, or a pair, is; its size is (characters, words)."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)} ".encode() + encoded)
    words = [word.casefold() for part in parts for word in _WORD.findall(part)]
    return Scan(
        content=digest.hexdigest(),
        hash=simhash(words) if words else None,
        size=(sum(map(len, parts)), len(words)),
    )


def simhash(words: list[str]) -> int:
    """64 bits of which texts with nearly the same words share nearly all.

    Each bit is the majority of that bit over the hashes of words and of pairs of neighbours (Charikar,
    2002; for near duplicates: Manku et al., 2007).

    Args:
        words: in letter case that does not matter; at least one.
    """
    words = words[:_MOST_WORDS]
    shingles = words + [f"{one} {other}" for one, other in pairwise(words)]
    hashes = np.array([_hash(shingle) for shingle in shingles], dtype=np.uint64)
    votes = (hashes[:, None] >> _BITS & np.uint64(1)).sum(axis=0)
    majority = votes * 2 > len(hashes)
    return int((majority.astype(np.uint64) << _BITS).sum())


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
