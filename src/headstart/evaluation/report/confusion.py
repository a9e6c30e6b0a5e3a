"""Who is taken for whom, small enough to read. Knows counts, nothing of HTML."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.evaluation.report.content import Confusion


@dataclass(frozen=True)
class Pair:
    """How often `true` was taken for `predicted`; `share` is of all that are truly `true`."""

    true: str
    predicted: str
    count: int
    share: float


def matrix(confusion: Confusion) -> list[list[Pair]]:
    """Every cell, a row for each true label."""
    return [
        [
            Pair(true, predicted, int(count), count / max(sum(counts), 1))
            for predicted, count in zip(confusion.labels, counts, strict=True)
        ]
        for true, counts in zip(confusion.labels, confusion.counts, strict=True)
    ]


def most_confused(confusion: Confusion, limit: int = 15) -> list[Pair]:
    """The commonest mix-ups, the most frequent first."""
    pairs = []
    for true, counts in zip(confusion.labels, confusion.counts, strict=True):
        total = sum(counts)
        for predicted, count in zip(confusion.labels, counts, strict=True):
            if count and predicted != true:
                pairs.append(Pair(true, predicted, int(count), count / total))
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share))[:limit]
