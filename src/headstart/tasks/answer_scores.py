"""Exact match and F1 of answers in words, counted as by SQuAD's official scripts. Knows no network.

As in the script of version 2 (Rajpurkar et al., 2018), a question may have no answer; wherever every true
answer has a word left after normalisation, that of version 1.1 (Rajpurkar et al., 2016) gives the same.

The normalisation is theirs to the letter, so that scores compare with published ones: it was made for
English. It lower-cases, removes the punctuation of ASCII and the words "a", "an" and "the", and divides at
white space. Of other scripts no punctuation is removed, and a text in a script without spaces is one word,
so that its F1 is its exact match.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from headstart.contracts import Scorer
from headstart.tasks import metrics

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(answer: str) -> str:
    """As answers are compared: ``"The  Hague."`` as ``"hague"``."""
    # Punctuation goes first: "a.m." is "am", and its "a" is no article.
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def matches(said: str, golds: Sequence[str]) -> bool:
    """Whether an answer is one of the true ones, normalised.

    Args:
        said: the answer; "" says that there is none.
        golds: true answers, any of which is right. Those that normalisation leaves nothing of do not
            count; where none is left, there is no answer, and only saying nothing is right.
    """
    return normalised(said) in _true(golds)


def overlap(said: str, golds: Sequence[str]) -> float:
    """F1 of an answer's words and those of the true one it is most like; arguments as of `matches`."""
    words = normalised(said).split()
    return max(_word_f1(words, gold.split()) for gold in _true(golds))


def exact_match(said: Sequence[str], golds: Sequence[Sequence[str]]) -> Scorer:
    """Share of N answers that are one of their question's true ones."""
    pairs = zip(said, golds, strict=True)
    return metrics.mean(np.array([matches(answer, true) for answer, true in pairs], dtype=np.float64))


def f1(said: Sequence[str], golds: Sequence[Sequence[str]]) -> Scorer:
    """Mean over N answers of the overlap with their question's true ones."""
    pairs = zip(said, golds, strict=True)
    return metrics.mean(np.array([overlap(answer, true) for answer, true in pairs], dtype=np.float64))


def _true(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalised, golds) if gold] or [""]


def _word_f1(said: list[str], gold: list[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    shared = (Counter(said) & Counter(gold)).total()
    return 2 * shared / (len(said) + len(gold))
