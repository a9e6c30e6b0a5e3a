"""Scores of written text against references, and of the loss of its tokens. Knows no network.

BLEU and chrF are functions of counts summed over examples: sacrebleu counts each example once, as for its
own significance tests, and weights then weigh the counts. A row of ones gives sacrebleu's score of the
corpus, at its defaults.

They are shares in [0, 1], as all scores here are: the numbers of sacrebleu and of most papers are 100 times
as large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from headstart.contracts import Scorer
from headstart.tasks.metrics import Floats, ratio

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

BLEU_ORDERS = 4
CHRF_ORDERS = 6
BETA = 2


def bleu(said: Sequence[str], references: Sequence[Sequence[str]]) -> Scorer:
    """Matching runs of one to four words, and length (Papineni et al., 2002); 0 where none matches.

    Words are those of mteval-v13a, exponential smoothing. They are told apart by spaces, so of
    Chinese, Japanese or Thai `chrf` says more.

    Args:
        said: N texts.
        references: of each of them, one or more.
    """
    from sacrebleu.metrics.bleu import BLEU  # a tenth of a second

    # `force` only silences the remark that texts look as if they were divided into words already.
    counts = _counts(BLEU(force=True), said, references, width=2 + 2 * BLEU_ORDERS)
    return _of_sums(counts, _bleu)


def chrf(said: Sequence[str], references: Sequence[Sequence[str]]) -> Scorer:
    """F2 of runs of one to six characters, spaces left out (Popović, 2015); 0 where none matches.

    Args:
        said: N texts.
        references: of each of them, one or more; the one that a text is most like counts.
    """
    from sacrebleu.metrics.chrf import CHRF

    counts = _counts(CHRF(), said, references, width=3 * CHRF_ORDERS)
    return _of_sums(counts, _chrf)


def mean_loss(losses: Floats, tokens: npt.NDArray[np.floating | np.integer]) -> Scorer:
    """Loss per token, in nats; not defined without tokens.

    Args:
        losses: (N,), of each example the sum over its tokens.
        tokens: (N,), how many these are.
    """

    def score(weights: Floats) -> Floats:
        return ratio(weights @ losses, weights @ tokens)

    return score


def perplexity(losses: Floats, tokens: npt.NDArray[np.floating | np.integer]) -> Scorer:
    """The exponential of the loss per token; arguments as of `mean_loss`."""
    mean = mean_loss(losses, tokens)

    def score(weights: Floats) -> Floats:
        with np.errstate(over="ignore"):
            values: Floats = np.exp(mean(weights))
        return values

    return score


def _counts(
    metric: Metric, said: Sequence[str], references: Sequence[Sequence[str]], *, width: int
) -> Floats:
    """sacrebleu's statistics of each example, (N, width)."""
    rows = [
        metric._extract_corpus_statistics([text], [[reference] for reference in given])[0]
        for text, given in zip(said, references, strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _of_sums(counts: Floats, value: Callable[[Floats], Floats]) -> Scorer:
    """The value of weighted sums of counts; NaN where nothing has weight."""

    def score(weights: Floats) -> Floats:
        return np.where(weights.any(axis=1), value(weights @ counts), np.nan)

    return score


def _bleu(sums: Floats) -> Floats:
    """(R, 10) to (R,): lengths of texts and references; matches of each order; runs of each order."""
    length, wanted = sums[:, 0], sums[:, 1]
    right, there = sums[:, 2 : 2 + BLEU_ORDERS], sums[:, 2 + BLEU_ORDERS :]
    # The first order without a match counts half a match, the second a quarter, and so on.
    smoothed = np.where(right > 0, right, 0.5 ** np.cumsum(right == 0, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(smoothed / there).mean(axis=1) + np.minimum(0, 1 - wanted / length)
    defined = (there > 0).all(axis=1) & (right > 0).any(axis=1)
    return np.exp(np.where(defined, logarithm, -np.inf))


def _chrf(sums: Floats) -> Floats:
    """(R, 18) to (R,): of each order, runs in texts, runs in references, matches."""
    said, wanted, right = np.moveaxis(sums.reshape(len(sums), CHRF_ORDERS, 3), 2, 0)
    defined = (said > 0) & (wanted > 0)
    orders = np.maximum(defined.sum(axis=1), 1)
    precision = np.where(defined, right / np.where(defined, said, 1), 0).sum(axis=1) / orders
    recall = np.where(defined, right / np.where(defined, wanted, 1), 0).sum(axis=1) / orders
    below = BETA**2 * precision + recall
    values: Floats = (1 + BETA**2) * precision * recall / np.where(below > 0, below, 1)
    return values
