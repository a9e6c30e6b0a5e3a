"""Words and their tokens: whatever the tokenizer, a word is read at the first token that has a part of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from headstart.contracts import Example, Words
from headstart.errors import DataError
from headstart.modalities.text.modality import TextModality
from headstart.modalities.text.preprocessing import TextPreprocessing, read_tokenizer
from headstart.modalities.text.words import WordsModality, numbers_of, word_numbers, words_of

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

LONGEST = 24
# The tiny tokenizer knows "the" and "cat"; what it does not, it spells letter by letter.
SAID = Words.joined(["the", "cat", "zoe", "sat", "on", "mats"])
LONG = Words.joined(["the", "cat", "sat", "on"] * 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def modality(folder: Path) -> WordsModality:
    return WordsModality(TextPreprocessing(read_tokenizer(folder), LONGEST), None, 0)


def example(value: object) -> Example:
    return Example("1", value, origin="row 1")


def pieces_of(modality: WordsModality, said: Words) -> dict[int, str]:
    """The token at which each word is read."""
    view = modality.view(example(said), None)
    tokens = modality.preprocessing.tokenizer.convert_ids_to_tokens(view.inputs["input_ids"].tolist())
    return {
        number: token for number, token in zip(view.geometry.tolist(), tokens, strict=True) if number >= 0
    }


def test_a_word_of_several_pieces_is_read_at_its_first(modality: WordsModality) -> None:
    view = modality.view(example(SAID), None)
    assert view.geometry.dtype == torch.int64
    assert len(view.geometry) == len(view.inputs["input_ids"])
    assert view.geometry.tolist() == [-1, 0, 1, 2, -1, -1, 3, 4, 5, -1, -1]
    assert pieces_of(modality, SAID) == {0: "the", 1: "cat", 2: "z", 3: "sat", 4: "on", 5: "mat"}


def test_its_tokens_are_those_of_the_text(modality: WordsModality, folder: Path) -> None:
    text = TextModality(modality.preprocessing, None, 0)
    one, other = modality.view(example(SAID), None), text.view(example(SAID.text), None)
    assert one.inputs.keys() == other.inputs.keys()
    assert all(torch.equal(one.inputs[name], other.inputs[name]) for name in one.inputs)
    assert one.padding == other.padding


def by_bytes() -> PreTrainedTokenizerFast:
    """As GPT-2 and RoBERTa: a byte a token, and the space before a word in its first one."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: place for place, sign in enumerate(["[PAD]", "[END]", *alphabet, "Ġc", "Ġz"])}
    bpe = Tokenizer(models.BPE(vocabulary, [("Ġ", "c"), ("Ġ", "z")]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="[PAD]", model_max_length=200)


def by_sentence_pieces() -> PreTrainedTokenizerFast:
    """As XLM-R and T5: a mark in the place of the space, which may be a token of its own."""
    known = ["<unk>", "<pad>", "</s>", "▁the", "▁", "cat", "▁zo", *"thecazosnm"]
    vocabulary = [(token, -float(place)) for place, token in enumerate(dict.fromkeys(known))]
    unigram = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=unigram, pad_token="<pad>", model_max_length=200)


@pytest.mark.parametrize("make", [by_bytes, by_sentence_pieces])
def test_spaces_in_a_token_do_not_move_words(make: Callable[[], PreTrainedTokenizerFast]) -> None:
    modality = WordsModality(TextPreprocessing(make(), 200), None, 0)
    encoding, _ = modality.preprocessing.encoding([SAID.text])
    numbers = word_numbers(encoding, SAID)
    assert sorted(number for number in numbers if number >= 0) == list(range(len(SAID.spans)))
    for token, number in enumerate(numbers.tolist()):
        if number >= 0:
            (start, stop), (first, last) = encoding.offsets[token], SAID.spans[number]
            assert start < last and first < stop, (token, number)
            assert all(stop <= first for _, stop in encoding.offsets[:token]), "an earlier token has it"


def test_emoji_of_many_tokens_and_scripts_without_spaces_keep_their_places() -> None:
    modality = WordsModality(TextPreprocessing(by_bytes(), 200), None, 0)
    for said in (
        Words.joined(["🐻", "in", "Örebro", "🐻🐻"]),
        Words("東京都に行く", ((0, 3), (3, 4), (4, 6))),
    ):
        numbers = modality.view(example(said), None).geometry
        assert numbers[numbers >= 0].tolist() == list(range(len(said.spans)))


def test_a_token_over_two_words_is_the_first_ones(modality: WordsModality) -> None:
    said = Words("the cat", ((0, 3), (4, 5), (5, 7)))  # "c" and "at" share the token "cat"
    assert modality.view(example(said), None).geometry.tolist() == [-1, 0, 1, -1]


def test_characters_that_the_tokenizer_drops_are_a_word_of_no_token(modality: WordsModality) -> None:
    said = Words.joined(["the", "\u200b", "cat"])
    assert modality.view(example(said), None).geometry.tolist() == [-1, 0, 2, -1]


def test_words_that_are_cut_off_are_in_no_view_and_are_said(modality: WordsModality) -> None:
    view = modality.view(example(LONG), None)
    assert len(view.geometry) == LONGEST
    assert view.geometry.max() == LONGEST - 3
    for wanted in (None, lambda content: False):
        cut = modality.intake(example(LONG), wanted).cut
        assert cut == f"{LONGEST} of 82 tokens, without {80 - (LONGEST - 2)} of 80 words"
        assert modality.intake(example(SAID), wanted).cut == ""


def test_an_intake_is_scan_and_view_at_once(modality: WordsModality) -> None:
    for value in (SAID, LONG, SAID.text, list(SAID.words)):
        taken = modality.intake(example(value))
        assert taken.scan == WordsModality.scan(example(value))
        view, again = (modality.view(example(value), None, compact) for compact in (None, taken.compact))
        assert torch.equal(view.geometry, again.geometry)
        assert all(torch.equal(view.inputs[name], again.inputs[name]) for name in view.inputs)
        assert view.inputs.keys() == again.inputs.keys() == {"input_ids", "token_type_ids", "attention_mask"}
        assert modality.intake(example(value), lambda content: False).compact is None


def test_texts_lists_and_files_are_words_too(modality: WordsModality, tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    file.write_text("The cat, on a mat.")
    assert words_of(file).words == words_of("The cat, on a mat.").words
    assert words_of(file).words == ("The", "cat", ",", "on", "a", "mat", ".")
    assert words_of(("a", "mat")) == words_of(["a", "mat"]) == Words.joined(["a", "mat"])
    assert words_of(SAID) is SAID


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["a", 3], "each word must be a text, not int"),
        (["a", " "], "has 1 empty words"),
        ([], "is empty"),
        ("  ", "is empty"),
        (7, "must be a text, not int"),
        (["a", "b\0"], "holds a NUL character"),
        (Words("a b", ()), "has no word"),
        (Words("a b", ((2, 3), (0, 1))), "has words that are not one behind the other"),
    ],
)
def test_what_are_no_words_is_refused_where_it_stands(
    modality: WordsModality, value: object, problem: str
) -> None:
    assert WordsModality.scan(example(value)).error.rstrip(".") == problem
    assert modality.intake(example(value)).scan.error.rstrip(".") == problem
    with pytest.raises(DataError) as refused:
        modality.view(example(value), None)
    assert refused.value.cause == f"row 1: {problem}."
    assert refused.value.remedy
    assert WordsModality.excerpt(example(value)) == ()


def test_one_text_with_other_words_is_no_copy(modality: WordsModality) -> None:
    one, other = (Words("oldtown hall", spans) for spans in (((0, 7), (8, 12)), ((0, 3), (3, 7), (8, 12))))
    scans = [WordsModality.scan(example(said)) for said in (one, replace(one), other)]
    assert scans[0] == scans[1]
    assert scans[0].content != scans[2].content
    assert scans[0].hash == scans[2].hash
    assert scans[2].size == (12, 3)


def test_views_side_by_side_have_no_word_behind_their_end(modality: WordsModality) -> None:
    views = [modality.view(example(said), None) for said in (SAID, Words.joined(["cat"]), LONG)]
    numbers = numbers_of(views)
    assert numbers.shape == (3, 24)
    for row, view in zip(numbers, views, strict=True):
        assert torch.equal(row[: len(view.geometry)], view.geometry)
        assert (row[len(view.geometry) :] == -1).all()


def test_an_excerpt_is_the_beginning_of_the_text() -> None:
    assert WordsModality.excerpt(example(SAID)) == (SAID.text,)
    assert WordsModality.excerpt(example(LONG)) == TextModality.excerpt(example(LONG.text))
    assert np.all([not odd.any() for odd in WordsModality.odd_sizes(np.array([[9, 2]])).values()])
