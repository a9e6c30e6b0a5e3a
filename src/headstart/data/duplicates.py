"""The same picture twice, exactly or nearly, and who must stay on one side of a split.

Exact duplicates have equal decoded content. Near duplicates have perceptual hashes a few bits
apart, found by looking up bands of the hash (Manku et al., 2007), and are confirmed by the
cosine of their features. Without features only almost equal hashes count. Time and memory grow in
proportion to the number of examples, also where all look alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Example, Rows, Scan
from headstart.data.chunks import float32, mean_of

# On photographs, two that are 12 bits apart are rarely strangers; on digits and scans, 4 bits
# often are. Features, centred so that strangers are near 0, tell them apart: copies that were
# compressed, halved or brightened are above 0.9, or above 0.75 with at most 2 bits changed.
_BITS, _COSINE = 6, 0.9
_FEW_BITS, _FEW_BITS_COSINE = 2, 0.75
_CROWD = 20  # a hash that so many images share says nothing, unless features confirm it
# Where all images are alike, nearly every pair is near. So a hash is compared with so many in each
# band (with all that share it, up to some 130,000 varied images), and keeps so many of each distance.
_AHEAD, _NEIGHBOURS = 256, 6
_PAIRS = 1024  # compared by their features at once

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
    features: Rows | None = None,
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
        near=tuple((ids[one], ids[other]) for one, other in pairs if not _one_group(examples, one, other)),
        groups=_keys(ids, [*contents, *users, *(pairs if near else [])]),
    )


def _one_group(examples: Sequence[Example], one: int, other: int) -> bool:
    """Whether it was said that two belong together: that they are alike is no news then."""
    return examples[one].group is not None and examples[one].group == examples[other].group


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
    rows: Sequence[int], hashes: Sequence[int | None], features: Rows | None
) -> list[tuple[int, int]]:
    """Confirmed pairs of rows, sorted. Of rows with one hash, the first meets all others."""
    sharing: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if (value := hashes[row]) is not None:
            sharing[value].append(row)
    alike = [same for same in sharing.values() if features is not None or len(same) <= _CROWD]
    first = np.array([same[0] for same in alike], dtype=np.intp)
    near, bits = _near_hashes(np.array([hashes[row] for row in first.tolist()], dtype=np.uint64))
    equal = np.array([(same[0], row) for same in alike for row in same[1:]], dtype=np.intp).reshape(-1, 2)
    pairs = np.sort(np.concatenate([first[near], equal]), axis=1)
    bits = np.concatenate([bits, np.zeros(len(equal), dtype=np.uint8)])
    pairs, places = np.unique(pairs, axis=0, return_index=True)
    bits = bits[places]
    if features is None:
        kept = bits <= _FEW_BITS
    else:
        kept = _centred_cosine(features, pairs) >= np.where(bits <= _FEW_BITS, _FEW_BITS_COSINE, _COSINE)
    return [(left, right) for left, right in pairs[kept].tolist()]


def _near_hashes(hashes: NDArray[np.uint64]) -> tuple[Indices, NDArray[np.uint8]]:
    """Pairs (P, 2) of distinct hashes at most `_BITS` apart, and how far; a pair may come repeatedly.

    Two hashes that differ in at most k bits agree in at least one of k + 1 bands. In the order of
    each band and of the bits that follow it, a hash is compared with the next ones that agree in the
    band (the sorted neighbourhood of Hernández and Stolfo, 1995).
    """
    edges = np.linspace(0, 64, _BITS + 2).astype(np.uint64)
    met = np.zeros((_BITS + 1, len(hashes)), dtype=np.uint8)
    pairs, distances = [np.empty((0, 2), dtype=np.intp)], [np.empty(0, dtype=np.uint8)]
    for start, stop in pairwise(edges):
        turned = (hashes << start) | (hashes >> (np.uint64(64) - start))
        order = np.argsort(turned)
        turned = turned[order]
        bands = turned >> (np.uint64(64) - (stop - start))
        here = np.arange(len(order))
        for ahead in range(1, _AHEAD + 1):
            here = here[: np.searchsorted(here, len(order) - ahead)]
            here = here[bands[here] == bands[here + ahead]]
            bits = np.bitwise_count(turned[here] ^ turned[here + ahead])
            near = np.flatnonzero(bits <= _BITS)
            near = near[met[bits[near], order[here[near]]] < _NEIGHBOURS]
            left, right = order[here[near]], order[here[near] + ahead]
            met[bits[near], left] += 1
            pairs.append(np.stack([left, right], axis=1))
            distances.append(bits[near])
    return np.concatenate(pairs), np.concatenate(distances)


def _centred_cosine(features: Rows, pairs: Indices) -> NDArray[np.float32]:
    """(P,) cosines between rows of features, seen from their mean."""
    mean = mean_of(features)
    cosines = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _PAIRS):
        part = slice(start, start + _PAIRS)
        rows, places = np.unique(pairs[part], return_inverse=True)
        seen = float32(features[rows]) - mean
        seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        left, right = places.reshape(-1, 2).T
        cosines[part] = np.einsum("pd,pd->p", seen[left], seen[right])
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
