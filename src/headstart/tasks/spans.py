"""Which stretches of a context the logits of its windows speak for. Knows no texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from headstart.contracts import Answer
from headstart.modalities.text.windows import Windows
from headstart.tasks.metrics import Floats

# Tokens of an answer at most, and stretches that are kept of one example.
LONGEST, KEPT = 30, 20


@dataclass(frozen=True)
class Spans:
    """What a network says of one question.

    Attributes:
        places: (n, 2) first character of each stretch, and the one behind its last; the best first.
        scores: (n,) of each, the logits of its begin and its end together, in its best window.
        none: of there being no answer, in the window that is least for it; -inf where there is no window.
        loss: mean over the windows; NaN where the truth is not known.
    """

    places: NDArray[np.int64]
    scores: Floats
    none: float
    loss: float

    def probabilities(self, *, none: bool) -> Floats:
        """Of each stretch, as if these were all; with `none` that of no answer comes last."""
        scores = np.append(self.scores, self.none) if none or not len(self.scores) else self.scores
        shares = np.exp(scores.astype(np.float64) - scores.max())
        probabilities: Floats = shares / shares.sum()
        return probabilities


def best_spans(logits: Floats, windows: Windows, *, loss: float) -> Spans:
    """The best stretches over all windows, each once.

    Args:
        logits: (K, T, 2) of begin and end; what fills up a window is not looked at.
        windows: of the example.
        loss: to be noted.
    """
    found: dict[tuple[int, int], float] = {}
    for rows, part in zip(logits, windows.slices, strict=True):
        starts, stops = windows.starts[part], windows.stops[part]
        for first, last, score in _best_of(rows[: len(starts)], starts >= 0):
            place = int(starts[first]), int(stops[last])
            found[place] = max(score, found.get(place, score))
    best = sorted(found, key=lambda place: (-found[place], place))[:KEPT]
    return Spans(
        places=np.array(best, dtype=np.int64).reshape(-1, 2),
        scores=np.array([found[place] for place in best], dtype=np.float32),
        none=float(logits[:, 0].sum(axis=-1).min()),
        loss=loss,
    )


def answer_places(windows: Windows, answer: Answer | None) -> NDArray[np.int64]:
    """First and last token of an answer in each window, (K, 2); 0 and 0 in those that do not hold it.

    Of an answer that no window holds whole, those hold it that have the most of it.
    """
    places = np.zeros((len(windows), 2), dtype=np.int64)
    if answer is None:
        return places
    counts = np.zeros(len(windows), dtype=np.int64)
    inside = (windows.starts < answer.start + len(answer.text)) & (windows.stops > answer.start)
    for window, part in enumerate(windows.slices):
        tokens = np.flatnonzero(inside[part])
        counts[window] = len(tokens)
        if len(tokens):
            places[window] = tokens[0], tokens[-1]
    places[counts < counts.max()] = 0
    return places


def _best_of(logits: Floats, allowed: NDArray[np.bool_]) -> list[tuple[int, int, float]]:
    """First token, last token and score of the best stretches of a window.

    Args:
        logits: (T, 2).
        allowed: (T,) the tokens that are of the context.
    """
    begins, ends = np.where(allowed, logits.T, -np.inf)
    # Row by row, the stretches that begin at a token, by how many more they have.
    scores = begins[:, None] + sliding_window_view(
        np.pad(ends, (0, LONGEST - 1), constant_values=-np.inf), LONGEST
    )
    flat = scores.ravel()
    best = np.argpartition(flat, -min(KEPT, flat.size))[-KEPT:]
    return [
        (place // LONGEST, place // LONGEST + place % LONGEST, float(flat[place]))
        for place in best.tolist()
        if np.isfinite(flat[place])
    ]
