"""The same picture twice, exactly or nearly, and who must stay on one side of a split.

Exact duplicates have equal decoded content. Near duplicates have perceptual hashes a few bits
apart, found by looking up bands of the hash (Manku et al., 2007), and are confirmed by the
cosine of their features. Without features only almost equal hashes count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Example, Scan

# On photographs, two that are 12 bits apart are rarely strangers; on digits and scans, 4 bits
# often are. Features, centred so that strangers are near 0, tell them apart: copies that were
# compressed, halved or brightened are above 0.9, or above 0.75 with at most 2 bits changed.
_BITS, _COSINE = 6, 0.9
_FEW_BITS, _FEW_BITS_COSINE = 2, 0.75
_CROWD = 20  # a hash that so many images share says nothing, unless features confirm it
_CELLS = 4_000_000  # compared at once: bounds the memory
_PAIRS = 4_096

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Duplicates:
    """Examples that show the same.

    Attributes:
        exact: ids of equal content, two or more together.
        near: pairs of ids that show nearly the same; of exact duplicates the first stands for all.
        groups: a key by id, equal for examples that must stay together: members of one group
            of the user's, exact duplicates, and near duplicates where these were to be joined.
    """

    exact: tuple[tuple[str, ...], ...]
    near: tuple[tuple[str, str], ...]
    groups: Mapping[str, str]


def find_duplicates(
    examples: Sequence[Example],
    scans: Mapping[str, Scan],
    features: NDArray[np.float32] | None = None,
    *,
    near: bool = True,
) -> Duplicates:
    """Duplicates among examples, and the groups they form with the user's.

    Args:
        examples: sorted by id, readable.
        scans: by id.
        features: (N, D) in the order of the examples; None where there are none yet.
        near: whether near duplicates are joined into groups; they are reported anyway.
    """
    contents, users = _alike(examples, scans)
    pairs = _near_pairs(
        [rows[0] for rows in contents], [scans[example.id].hash for example in examples], features
    )
    ids = [example.id for example in examples]
    return Duplicates(
        exact=tuple(tuple(ids[row] for row in rows) for rows in contents if len(rows) > 1),
        near=tuple((ids[first], ids[second]) for first, second in pairs),
        groups=_keys(ids, [*contents, *users, *(pairs if near else [])]),
    )


def certain_groups(examples: Sequence[Example], scans: Mapping[str, Scan]) -> dict[str, str]:
    """The groups of `find_duplicates` without near duplicates, which only features confirm."""
    contents, users = _alike(examples, scans)
    return _keys([example.id for example in examples], [*contents, *users])


def _alike(examples: Sequence[Example], scans: Mapping[str, Scan]) -> tuple[list[list[int]], list[list[int]]]:
    """Rows of equal content, and rows of one group of the user's."""
    contents: defaultdict[str, list[int]] = defaultdict(list)
    users: defaultdict[str, list[int]] = defaultdict(list)
    for row, example in enumerate(examples):
        if content := scans[example.id].content:
            contents[content].append(row)
        if example.group is not None:
            users[example.group].append(row)
    return list(contents.values()), list(users.values())


def _keys(ids: Sequence[str], together: Sequence[Sequence[int]]) -> dict[str, str]:
    """For each id the first one that it is joined with."""
    return {ids[row]: ids[first] for row, first in enumerate(_joined(len(ids), together))}


def _near_pairs(
    rows: Sequence[int], hashes: Sequence[int | None], features: NDArray[np.float32] | None
) -> list[tuple[int, int]]:
    """Confirmed pairs of rows, sorted. Of rows with one hash, the first meets all others."""
    sharing: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if (value := hashes[row]) is not None:
            sharing[value].append(row)
    if features is None:
        sharing = defaultdict(list, {value: same for value, same in sharing.items() if len(same) <= _CROWD})
    first = np.array([same[0] for same in sharing.values()], dtype=np.intp)
    blocks = [
        (first[left], first[right], bits)
        for left, right, bits in _near_hashes(np.array(list(sharing), dtype=np.uint64))
    ]
    same = np.array([(same[0], row) for same in sharing.values() for row in same[1:]], dtype=np.intp).reshape(
        -1, 2
    )
    blocks.append((same[:, 0], same[:, 1], np.zeros(len(same), dtype=np.uint8)))
    left, right, bits = (np.concatenate(part) for part in zip(*blocks, strict=True))
    if features is None:
        kept = bits <= _FEW_BITS
    else:
        cosine = _centred_cosine(features, left, right)
        kept = cosine >= np.where(bits <= _FEW_BITS, _FEW_BITS_COSINE, _COSINE)
    found = zip(left[kept].tolist(), right[kept].tolist(), strict=True)
    return sorted({(min(pair), max(pair)) for pair in found})


def _near_hashes(hashes: NDArray[np.uint64]) -> Iterator[tuple[Indices, Indices, NDArray[np.uint8]]]:
    """Indices of distinct hashes at most `_BITS` apart, and how far; a pair may come repeatedly.

    Two hashes that differ in at most k bits agree in at least one of k + 1 bands.
    """
    edges = np.linspace(0, 64, _BITS + 2).astype(np.uint64)
    for start, stop in pairwise(edges):
        bands = (hashes >> start) & ((np.uint64(1) << (stop - start)) - np.uint64(1))
        order = np.argsort(bands, kind="stable")
        starts = np.flatnonzero(np.diff(bands[order])) + 1
        for members in np.split(order, starts):
            height = max(1, _CELLS // max(1, len(members)))
            for top in range(0, len(members), height):
                block = members[top : top + height]
                bits = np.bitwise_count(hashes[block, None] ^ hashes[None, members[top:]])
                above, beside = np.nonzero(bits <= _BITS)
                later = beside > above
                above, beside = above[later], beside[later]
                yield block[above], members[top:][beside], bits[above, beside]


def _centred_cosine(features: NDArray[np.float32], left: Indices, right: Indices) -> NDArray[np.float32]:
    """(P,) cosines between rows of features, seen from their mean."""
    mean = features.mean(axis=0)
    cosines = np.empty(len(left), dtype=np.float32)
    for start in range(0, len(left), _PAIRS):
        part = slice(start, start + _PAIRS)
        first, second = features[left[part]] - mean, features[right[part]] - mean
        lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        cosines[part] = (first * second).sum(axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return cosines


def _joined(count: int, together: Sequence[Sequence[int]]) -> list[int]:
    """For each of `count` rows the first row that it is joined with, directly or over others."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for first, *others in together:
        for other in others:
            low, high = sorted((root(first), root(other)))
            parent[high] = low
    return [root(row) for row in range(count)]
