"""Logits of the words of a text, (V, L), from those of its tokens; and what they say. Knows no tags.

They are of the words up to the last that the network saw; words of these without a token have -inf, which
no network says of all labels: NaN is what one gives that has gone wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax

from headstart.contracts import Scorer
from headstart.tasks.metrics import Floats, ratio


def of_words(logits: Floats, numbers: np.ndarray) -> Floats:
    """(T, L) logits of tokens as those of words, (V, L), -inf for words without a token."""
    at = np.flatnonzero(numbers >= 0)
    words = np.full((int(numbers.max(initial=-1)) + 1, logits.shape[1]), -np.inf, dtype=np.float32)
    words[numbers[at]] = logits[at]
    return words


def of_frequencies(targets: Sequence[np.ndarray], labels: int) -> Floats:
    """Logits of the frequencies of so many labels, for as many words as the longest of some targets has."""
    counts = np.bincount(np.concatenate(targets), minlength=labels)
    # Half a word: a label that none has is not thought impossible.
    row = np.log(np.maximum(counts, 0.5) / counts.sum()).astype(np.float32)
    return np.tile(row, (max(map(len, targets)), 1))


def said(output: Any, count: int, *, unseen: int) -> np.ndarray:
    """The likeliest label of each of so many words, (count,); `unseen` for those that were not seen."""
    chosen = np.full(count, unseen)
    seen, logs = _seen(output, count)
    chosen[seen] = logs.argmax(axis=1)
    return chosen


def _seen(output: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of so many words those that were seen, and their log probabilities."""
    rows = np.asarray(output, dtype=np.float64)[:count]
    seen = np.flatnonzero((rows != -np.inf).any(axis=1))
    return seen, log_softmax(rows[seen], axis=1)


def losses(output: Any, target: np.ndarray) -> Floats:
    """Of each word that was seen."""
    seen, logs = _seen(output, len(target))
    found: Floats = -logs[np.arange(len(seen)), target[seen]]
    return found


def probabilities(output: Any, count: int) -> Floats:
    """Of the tag that is said of each word; 1 where none was seen, of which nothing else can be said."""
    seen, logs = _seen(output, count)
    sure = np.ones(count)
    sure[seen] = np.exp(logs.max(axis=1, initial=-np.inf))
    return sure


def scorers(outputs: Sequence[Any], pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Scorer]:
    """Accuracy over all words of N examples, and the mean loss over those that were seen.

    Args:
        outputs: N of them.
        pairs: N times the labels that are said of each word, and those that are true.
    """
    words = np.array([len(true) for _, true in pairs], dtype=np.float64)
    right = np.array([(given == true).sum() for given, true in pairs], dtype=np.float64)
    found = [losses(output, true) for output, (_, true) in zip(outputs, pairs, strict=True)]
    sums = np.array([part.sum() for part in found])
    seen = np.array([len(part) for part in found], dtype=np.float64)
    return {"accuracy": _mean(right, words), "log_loss": _mean(sums, seen)}


def _mean(sums: Floats, counts: Floats) -> Scorer:
    """Of values over words, from their sums over examples (N,)."""

    def score(weights: Floats) -> Floats:
        return ratio(weights @ sums, weights @ counts)

    return score
