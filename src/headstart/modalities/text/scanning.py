"""What a text is, from one look at all of it: its content, its length, and a hash of its words."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.contracts import Scan
from headstart.errors import DataError
from headstart.modalities.text.reading import read_parts

_WORD = re.compile(r"\w+")
_BITS = np.arange(64, dtype=np.uint64)
# Words of a text that are looked at: two that begin with so many alike ones are near copies.
_MOST_WORDS = 5_000


def scan_text(value: Any, *, name: str = "the text") -> Scan:
    """What one text, or a pair, is; one that cannot be read is no exception.

    Its size is (characters, words).
    """
    try:
        parts = read_parts(value, name=name)
    except DataError as error:
        return Scan(error=error.cause.removeprefix(f"{name}: "))
    return scan_parts(parts)


def scan_parts(parts: tuple[str, ...]) -> Scan:
    """The same of texts that were read."""
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
