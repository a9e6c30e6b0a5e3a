"""Written texts score as sacrebleu has it, whole and under weights; losses give perplexity."""

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import sacrebleu

from headstart.contracts import Scorer
from headstart.tasks.writing_scores import bleu, chrf, mean_loss, perplexity

N = 40
WORDS = ["the", "a", "cat", "dog,", "sat", "on", "mat.", "it's", "(very)", "été", "3.5", "東京", "&amp;", "A"]
Making = Callable[[Sequence[str], Sequence[Sequence[str]]], Scorer]


def official(score: Callable[..., Any]) -> Callable[..., float]:
    """sacrebleu's score of a corpus; references are by place there, None where an example has fewer."""

    def share(said: Sequence[str], references: Sequence[Sequence[str]]) -> float:
        return score(list(said), list(zip_longest(*references))).score / 100

    return share


METRICS = [
    pytest.param(bleu, official(sacrebleu.corpus_bleu), id="bleu"),
    pytest.param(chrf, official(sacrebleu.corpus_chrf), id="chrf"),
]


def text(random: np.random.Generator, least: int = 0) -> str:
    return " ".join(random.choice(WORDS, size=random.integers(least, 15)))


def near(random: np.random.Generator, words: list[str]) -> str:
    """Most of these words, in order."""
    return " ".join(word for word in words if random.random() < 0.85)


def corpus(seed: int, most_references: int) -> tuple[list[str], list[list[str]]]:
    """Texts, some of them empty, and one to so many references of each."""
    random = np.random.default_rng(seed)
    references = [
        [text(random, least=1) for _ in range(random.integers(1, most_references + 1))] for _ in range(N)
    ]
    return [near(random, random.choice(given).split()) for given in references], references


def once(scorer: Scorer, count: int) -> float:
    return float(scorer(np.ones((1, count)))[0])


@pytest.mark.parametrize(("scorer", "expected"), METRICS)
@pytest.mark.parametrize("most_references", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_row_of_ones_gives_sacrebleus_score_of_the_corpus(
    scorer: Making, expected: Callable[..., float], most_references: int, seed: int
) -> None:
    said, references = corpus(seed, most_references)
    value = once(scorer(said, references), N)
    assert 0.1 < value < 0.95
    assert value == pytest.approx(expected(said, references), abs=1e-9)


@pytest.mark.parametrize(("scorer", "expected"), METRICS)
def test_weights_are_repetitions_of_examples(scorer: Making, expected: Callable[..., float]) -> None:
    said, references = corpus(7, 2)
    weights = np.random.default_rng(1).integers(0, 4, size=(5, N))
    values = scorer(said, references)(weights.astype(float))
    for row, value in zip(weights, values, strict=True):
        again = np.repeat(np.arange(N), row)
        repeated = expected([said[each] for each in again], [references[each] for each in again])
        assert value == pytest.approx(repeated, abs=1e-9)


@pytest.mark.parametrize(("scorer", "expected"), METRICS)
def test_a_text_alone_scores_as_by_sacrebleu_however_little_of_it_matches(
    scorer: Making, expected: Callable[..., float]
) -> None:
    random = np.random.default_rng(3)
    said, references = [text(random) for _ in range(200)], [[text(random)] for _ in range(200)]
    values = scorer(said, references)(np.eye(200))
    alone = [expected([one], [given]) for one, given in zip(said, references, strict=True)]
    np.testing.assert_allclose(values, alone, atol=1e-9)
    assert (values == 0).any() and (values > 0).any()


@pytest.mark.parametrize(("scorer", "_"), METRICS)
def test_scale_of_weights_changes_nothing(scorer: Making, _: object) -> None:
    said, references = corpus(5, 2)
    weights = np.random.default_rng(2).random((4, N))
    made = scorer(said, references)
    np.testing.assert_allclose(made(weights), made(weights / 7), rtol=1e-12)


@pytest.mark.parametrize(("scorer", "_"), METRICS)
def test_the_reference_itself_scores_1_and_nothing_said_0(scorer: Making, _: object) -> None:
    references = [["the cat sat on the mat ."], ["the dog sat on it, too ."]]
    assert once(scorer([given[0] for given in references], references), 2) == pytest.approx(1)
    assert once(scorer(["", ""], references), 2) == 0


@pytest.mark.parametrize(("scorer", "_"), METRICS)
def test_no_examples_define_nothing(scorer: Making, _: object) -> None:
    assert math.isnan(once(scorer([], []), 0))
    assert np.isnan(scorer(["the cat"], [["the cat"]])(np.zeros((2, 1)))).all()


def test_texts_that_look_divided_into_words_are_scored_without_a_remark(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bleu(["the cat sat ."] * 200, [["the cat sat ."]] * 200)
    assert not caplog.records


def test_the_loss_per_token_is_that_of_all_tokens_together_and_perplexity_its_exponential() -> None:
    random = np.random.default_rng(4)
    by_token = [random.exponential(2, size=size) for size in (3, 11, 1, 7)]
    losses, tokens = np.array([each.sum() for each in by_token]), np.array([len(each) for each in by_token])
    weights = np.array([[1, 1, 1, 1], [0, 2, 0, 1], [3, 0, 1, 0]])
    for row, mean, surprise in zip(
        weights, mean_loss(losses, tokens)(weights), perplexity(losses, tokens)(weights), strict=True
    ):
        expected = np.concatenate([by_token[each] for each in np.repeat(np.arange(4), row)]).mean()
        assert mean == pytest.approx(expected)
        assert surprise == pytest.approx(math.exp(expected))


def test_a_model_that_guesses_among_k_tokens_has_perplexity_k() -> None:
    tokens = np.array([5, 9, 2])
    assert once(perplexity(tokens * math.log(50), tokens), 3) == pytest.approx(50)


@pytest.mark.parametrize("metric", [mean_loss, perplexity])
def test_no_tokens_define_no_loss(metric: Callable[..., Scorer]) -> None:
    scorer = metric(np.array([2.0, 0.0]), np.array([3, 0]))
    values = scorer(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert np.isnan(values).tolist() == [True, True, False]
    assert math.isnan(once(metric(np.zeros(0), np.zeros(0)), 0))


def test_a_loss_beyond_all_bounds_has_infinite_perplexity() -> None:
    assert once(perplexity(np.array([1e6]), np.array([1])), 1) == math.inf


def test_sacrebleu_is_loaded_only_where_texts_are_scored() -> None:
    code = "import sys, headstart.tasks.writing_scores; print('sacrebleu' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
