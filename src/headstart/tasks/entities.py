"""Entities in sequences of tags: found as seqeval finds them, counted, and scored. Knows no network.

Tags are ``B-`` and ``I-`` before a type, or ``O`` (IOB); also with ``E-``, ``L-``, ``S-`` and ``U-`` for
ends and single words (IOBES, BILOU). Entities are those of seqeval's default mode, which is that of the
scripts of CoNLL (Tjong Kim Sang and De Meulder, 2003): an ``I-`` that continues nothing of its type begins
an entity. seqeval warns of tags of two other forms and misreads them; they are read here as they are meant:

- ``L-`` and ``U-`` are ``E-`` and ``S-``;
- a tag without a prefix is a type, whole, and neighbours of one type are one entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from headstart.contracts import ClassScores, Scorer
from headstart.tasks.metrics import Floats, ratio

OUTSIDE = "O"
# The type of a tag that is a prefix alone, as seqeval names it.
UNTYPED = "_"
_BEGINS, _ENDS = frozenset("BSU"), frozenset("ELSU")
_PREFIXES = frozenset("BIELSU")


@dataclass(frozen=True, order=True)
class Span:
    """An entity: the words from `start` to before `stop`, and its type."""

    start: int
    stop: int
    type: str


def parted(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag: ``"B-person"`` to B and person; ``"O"`` to O and nothing."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, _, kind = tag.partition("-")
    return (prefix, kind or UNTYPED) if prefix in _PREFIXES else ("I", tag)


def spans(tags: Sequence[str]) -> set[Span]:
    """The entities in the tags of one sequence."""
    found: set[Span] = set()
    start, before, open_type = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = parted(tag)
        goes_on = kind == open_type and prefix not in _BEGINS and before not in _ENDS
        if not goes_on:
            if open_type:
                found.add(Span(start, place, open_type))
            start = place
        before, open_type = prefix, kind
    return found


@dataclass(frozen=True)
class Counts:
    """Entities of N examples, each (N,). An entity is said rightly where both ends and its type are right.

    Scores are over all entities together (micro), and are not defined where there are none, neither true
    nor said; seqeval gives 0 there, and warns.

    Attributes:
        true: how many there are.
        said: how many were said to be.
        right: how many of these are true.
    """

    true: Floats
    said: Floats
    right: Floats

    @classmethod
    def of(cls, said: Sequence[AbstractSet[Span]], true: Sequence[AbstractSet[Span]]) -> Counts:
        """From the entities of each example."""
        rows = [(len(there), len(given), len(given & there)) for given, there in zip(said, true, strict=True)]
        columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return cls(*columns)

    def precision(self) -> Scorer:
        """Share of what was said that is true; 0 where nothing was said, though something is true."""

        def score(weights: Floats) -> Floats:
            true, said = weights @ self.true, weights @ self.said
            # Where none was said, none was right: 0 of any number of true ones.
            return ratio(weights @ self.right, np.where(said > 0, said, true))

        return score

    def recall(self) -> Scorer:
        """Share of what is true that was said; not defined where nothing is true."""

        def score(weights: Floats) -> Floats:
            return ratio(weights @ self.right, weights @ self.true)

        return score

    def f1(self) -> Scorer:
        """Harmonic mean of precision and recall."""

        def score(weights: Floats) -> Floats:
            return ratio(2 * (weights @ self.right), weights @ (self.said + self.true))

        return score


def by_type(said: Sequence[AbstractSet[Span]], true: Sequence[AbstractSet[Span]]) -> tuple[ClassScores, ...]:
    """Scores of each type that is there or was said, by name; 0 where nothing was there to be counted."""
    types = {span.type for example in (*said, *true) for span in example}
    return tuple(_of_type(kind, said, true) for kind in sorted(types))


def _of_type(kind: str, said: Sequence[AbstractSet[Span]], true: Sequence[AbstractSet[Span]]) -> ClassScores:
    counts = Counts.of(_only(kind, said), _only(kind, true))
    there, given, right = (int(each.sum()) for each in (counts.true, counts.said, counts.right))
    return ClassScores(
        label=kind,
        precision=right / max(given, 1),
        recall=right / max(there, 1),
        f1=2 * right / (there + given),
        support=there,
    )


def _only(kind: str, examples: Sequence[AbstractSet[Span]]) -> list[set[Span]]:
    return [{span for span in example if span.type == kind} for example in examples]
