"""Answers against SQuAD's official scripts, whose functions are written out here as they stand there."""

import collections
import math
import re
import string

import numpy as np
import pytest

from headstart.tasks.answer_scores import exact_match, f1, matches, normalised, overlap

# Said, true ones, whether they match, F1.
WORKED = {
    "the same": ("Norway", ["Norway"], True, 1),
    "case, articles, punctuation": ("the Hague!", ["A  hague"], True, 1),
    "half of the words": ("Denmark and Norway", ["Norway"], False, 1 / 2),
    "the best of several": ("Norway", ["Denmark", "in Norway", "Sweden"], False, 2 / 3),
    "a word said twice": ("no no", ["no"], False, 2 / 3),
    "another": ("Norway", ["Denmark"], False, 0),
    "nothing said": ("", ["Norway"], False, 0),
    "no answer, nothing said": ("", [], True, 1),
    "no answer, but something said": ("Norway", [], False, 0),
    "no answer, an article said": ("The", [], True, 1),
    "true ones without a word": ("", ["?", "the"], True, 1),
    "one true answer without a word": ("", ["the", "Norway"], False, 0),
    "dots within a word": ("10 a.m.", ["10 am"], True, 1),
    "punctuation that is not of ASCII": ("«Oslo»", ["Oslo"], False, 0),
    "no spaces": ("東京都", ["東京"], False, 0),
    "the same without spaces": ("東京", ["東京"], True, 1),
}


def normalize_answer(s):
    """Lower text and remove punctuation, articles and extra whitespace."""

    def remove_articles(text):
        regex = re.compile(r"\b(a|an|the)\b", re.UNICODE)
        return re.sub(regex, " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    def lower(text):
        return text.lower()

    return white_space_fix(remove_articles(remove_punc(lower(s))))


def get_tokens(s):
    if not s:
        return []
    return normalize_answer(s).split()


def compute_exact(a_gold, a_pred):
    return int(normalize_answer(a_gold) == normalize_answer(a_pred))


def compute_f1(a_gold, a_pred):
    gold_toks = get_tokens(a_gold)
    pred_toks = get_tokens(a_pred)
    common = collections.Counter(gold_toks) & collections.Counter(pred_toks)
    num_same = sum(common.values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        # If either is no-answer, then F1 is 1 if they agree, 0 otherwise
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(pred_toks)
    recall = 1.0 * num_same / len(gold_toks)
    f1 = (2 * precision * recall) / (precision + recall)
    return f1


def raw_scores(answers, a_pred):
    """The body of the loop in `get_raw_scores` of version 2."""
    gold_answers = [a for a in answers if normalize_answer(a)]
    if not gold_answers:
        # For unanswerable questions, only correct answer is empty string
        gold_answers = [""]
    exact = max(compute_exact(a, a_pred) for a in gold_answers)
    f1 = max(compute_f1(a, a_pred) for a in gold_answers)
    return exact, f1


def f1_score_1_1(prediction, ground_truth):
    """`f1_score` of version 1.1."""
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = collections.Counter(prediction_tokens) & collections.Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    f1 = (2 * precision * recall) / (precision + recall)
    return f1


def drawn(examples: int) -> tuple[list[str], list[list[str]]]:
    """Answers, and none to three true ones of each, of few words, so that many are alike."""
    random = np.random.default_rng(examples)
    words = [
        "The",
        "the",
        "a",
        "An",
        "Oslo",
        "oslo,",
        "(fjord)",
        "a.m.",
        "—",
        "...",
        "théâtre",
        "İ",
        "東京",
        "\u00a0x",
    ]

    def text() -> str:
        return " ".join(random.choice(words, size=random.integers(0, 4)))

    return [text() for _ in range(examples)], [
        [text() for _ in range(random.integers(0, 4))] for _ in range(examples)
    ]


@pytest.mark.parametrize(("said", "golds", "match", "score"), WORKED.values(), ids=WORKED)
def test_an_answer_scores_as_worked_by_hand(said: str, golds: list[str], match: bool, score: float) -> None:
    assert matches(said, golds) is match
    assert overlap(said, golds) == pytest.approx(score)


def test_answers_score_as_by_the_official_script_of_version_2() -> None:
    right = 0
    for said, golds in zip(*drawn(2000), strict=True):
        exact, f1 = raw_scores(golds, said)
        assert normalised(said) == normalize_answer(said)
        assert matches(said, golds) == bool(exact), (said, golds)
        assert overlap(said, golds) == pytest.approx(f1, abs=1e-12), (said, golds)
        right += exact
    assert 200 < right < 1800


def test_answers_score_as_by_the_official_script_of_version_1_where_all_true_ones_have_words() -> None:
    compared = 0
    for said, golds in zip(*drawn(2001), strict=True):
        if golds and all(map(normalize_answer, golds)):
            assert matches(said, golds) == any(
                normalize_answer(said) == normalize_answer(gold) for gold in golds
            )
            assert overlap(said, golds) == pytest.approx(max(f1_score_1_1(said, gold) for gold in golds))
            compared += 1
    assert compared > 500


@pytest.mark.parametrize("scorer", [exact_match, f1])
def test_weights_are_repetitions_of_examples(scorer) -> None:
    said, golds = drawn(30)
    weights = np.random.default_rng(1).integers(0, 4, size=(5, 30))
    weights[0] = 1
    values = scorer(said, golds)(weights.astype(float))
    for row, value in zip(weights, values, strict=True):
        again = np.repeat(np.arange(30), row)
        repeated = scorer([said[each] for each in again], [golds[each] for each in again])
        assert value == pytest.approx(repeated(np.ones((1, len(again))))[0])


@pytest.mark.parametrize("scorer", [exact_match, f1])
def test_no_examples_define_nothing_and_nothing_said_is_0(scorer) -> None:
    assert math.isnan(scorer([], [])(np.ones((1, 0)))[0])
    assert math.isnan(scorer(["Oslo"], [["Oslo"]])(np.zeros((1, 1)))[0])
    assert scorer(["", ""], [["Oslo"], ["Bergen"]])(np.ones((1, 2)))[0] == 0
