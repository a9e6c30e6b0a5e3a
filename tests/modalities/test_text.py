import codecs
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import KINDS, save_checkpoint

from headstart.catalog import MODALITIES, resolve
from headstart.contracts import Example, Scan
from headstart.errors import DataError
from headstart.modalities.text.modality import EXCERPT, TextModality
from headstart.modalities.text.preprocessing import TextPreprocessing, read_tokenizer
from headstart.modalities.text.reading import MOST_CHARACTERS, read_parts
from headstart.modalities.text.scanning import scan_parts

LONGEST = 32
SHORT = "the cat sat on the mat and looked at the dog"
LONG = " ".join([SHORT] * 6)
PAIR = ("where were you last night ?", "i was at home")
FIFTY = (
    "Please call me back at once about the free prize that your company promised to everyone who had "
    "answered the long letter of last summer, because neither my wife nor I have heard a single word since "
    "then, and we would quite like to know where it is, or whether somebody else won it after all."
)
STRANGER = (
    "In winter the northern harbour freezes over, so grain arrives by rail from depots further south; "
    "engineers inspect each bridge twice a month, measure the thickness of its ice, and close the line "
    "whenever cracks appear, which the newspapers usually report one day too late to change plans."
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def modality(folder: Path) -> TextModality:
    return TextModality(TextPreprocessing(read_tokenizer(folder), LONGEST), None, 0)


def example(value: Any, origin: str = "") -> Example:
    return Example("texts.csv:7", value, origin=origin)


def test_the_catalogue_finds_it() -> None:
    assert resolve("modality", "text", MODALITIES) is TextModality


# What is read


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        (("fine", " "), "is empty"),
        ("a\0b", "holds a NUL character"),
        ("half \ud83d", "is not valid Unicode: half of a surrogate pair is missing"),
        (12, "must be a text, not int"),
        (None, "must be a text, not NoneType"),
        (b"bytes", "must be a text, not bytes"),
        (("fine", 3), "must be a text, not int"),
        ((), "must be one text or a pair, not 0"),
        (("one", "two", "three"), "must be one text or a pair, not 3"),
        ("a" * (MOST_CHARACTERS + 1), "has 5000001 characters, more than 5000000"),
    ],
    ids=repr,
)
def test_what_is_no_text_is_refused_with_its_place(modality: TextModality, value: Any, problem: str) -> None:
    with pytest.raises(DataError) as refused:
        read_parts(value, name="texts.csv, line 8")
    assert refused.value.cause == f"texts.csv, line 8: {problem}."
    assert refused.value.remedy
    with pytest.raises(DataError, match=r"^texts\.csv, line 8: "):
        modality.view(example(value, "texts.csv, line 8"), None)
    # A scan's error stands beside the place already.
    assert TextModality.scan(example(value)).error == f"{problem}."
    assert modality.intake(example(value)).scan.error == f"{problem}."


def test_a_file_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    files = {"latin.txt": "Bär".encode("latin-1"), "empty.txt": b"", "nul.txt": b"a\0b"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    problems = {
        "latin.txt": "byte 0xe4 at 1 is not UTF-8; it may be Latin-1 or Windows-1252.",
        "empty.txt": "is empty.",
        "nul.txt": "holds a NUL character.",
        "gone.txt": "cannot be read: No such file or directory.",
        ".": "cannot be read: Is a directory.",
    }
    for name, problem in problems.items():
        with pytest.raises(DataError) as refused:
            read_parts(tmp_path / name, name=f"good/{name}")
        assert refused.value.cause == f"good/{name}: {problem}"
        assert refused.value.remedy
        assert TextModality.scan(Example(f"good/{name}", tmp_path / name)).error == problem


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_file_says_its_encoding_by_its_mark(tmp_path: Path, mark: bytes, encoding: str) -> None:
    text = "Ein Bär, 🐻 und 熊\n"
    path = tmp_path / "bear.txt"
    path.write_bytes(mark + text.encode(encoding))
    assert read_parts(path) == (text,)
    assert TextModality.scan(example(path)) == TextModality.scan(example(text))


# What a scan tells


def scan_text(value: Any) -> Scan:
    return scan_parts(read_parts(value))


def test_equal_texts_have_equal_content_and_pairs_that_are_split_differently_do_not() -> None:
    contents = {
        repr(value): scan_text(value).content
        for value in ("abc", ("ab", "c"), ("a", "bc"), "ab c", ("ab ", "c"), "abc ", "Abc")
    }
    assert len(set(contents.values())) == len(contents)
    assert scan_text(["ab", "c"]).content == contents["('ab', 'c')"]


def test_a_size_is_characters_and_words() -> None:
    assert scan_text("The cat, on 2 mats").size == (18, 5)
    assert scan_text(PAIR).size == (sum(map(len, PAIR)), 9)
    assert scan_text("... !").size == (5, 0)
    assert scan_text("... !").hash is None
    assert TextModality.size_words(scan_text("abc").size) == "3 characters"


def bits_apart(one: str, other: str) -> int:
    return (scan_text(one).hash ^ scan_text(other).hash).bit_count()


def test_copies_have_near_hashes_and_strangers_far_ones() -> None:
    assert bits_apart(FIFTY, FIFTY.upper()) == 0
    assert bits_apart(FIFTY, FIFTY.replace(",", " -").replace(".", " ...")) == 0
    assert bits_apart(FIFTY, FIFTY.replace("summer", "autumn")) <= 12
    assert bits_apart(FIFTY, STRANGER) > 20
    assert bits_apart("a good film", "call me back") > 20


def test_one_word_of_fifty_changes_few_bits_wherever_it_stands() -> None:
    words = FIFTY.split()
    changed = [
        bits_apart(FIFTY, " ".join([*words[:place], "elephant", *words[place + 1 :]]))
        for place in range(len(words))
    ]
    assert np.median(changed) <= 6
    assert max(changed) <= 12


def test_odd_are_texts_without_words_and_very_long_ones() -> None:
    sizes = np.array([scan_text(text).size for text in ["a good film"] * 9 + ["...", "word " * 200]])
    odd = TextModality.odd_sizes(sizes)
    assert [np.flatnonzero(which).tolist() for which in odd.values()] == [[9], [10]]


# What a network is given


@pytest.mark.parametrize(
    "value", [SHORT, LONG, PAIR, (LONG, SHORT)], ids=["short", "long", "pair", "long pair"]
)
def test_an_intake_is_scan_and_view_at_once(modality: TextModality, value: Any) -> None:
    taken = modality.intake(example(value))
    assert taken.scan == TextModality.scan(example(value))
    view, again = (modality.view(example(value), None, compact) for compact in (None, taken.compact))
    assert view.inputs.keys() == again.inputs.keys()
    for name, tensor in view.inputs.items():
        assert torch.equal(tensor, again.inputs[name])
        assert tensor.dtype == again.inputs[name].dtype == torch.int64
    assert view.padding == again.padding == {"input_ids": 0}


def test_a_view_from_the_compact_form_does_not_look_at_the_text(modality: TextModality) -> None:
    compact = modality.intake(example(SHORT)).compact
    assert all(array.ndim == 1 for array in compact.values())
    view = modality.view(example(Path("gone.txt")), None, compact)
    assert torch.equal(view.inputs["input_ids"], modality.view(example(SHORT), 3).inputs["input_ids"])


def test_tokens_are_those_of_transformers(modality: TextModality, folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    random = np.random.default_rng(0)
    words = SHORT.split()
    for side in ("right", "left"):
        cutting = read_tokenizer(folder)
        cutting.truncation_side = tokenizer.truncation_side = side
        preprocessing = TextPreprocessing(cutting, LONGEST)
        for _ in range(50):
            parts = [
                " ".join(random.choice(words, random.integers(1, 60))) for _ in range(random.integers(1, 3))
            ]
            inputs, count = preprocessing.tokens(parts)
            expected = tokenizer(*parts, truncation=True, max_length=LONGEST)
            assert {name: values.tolist() for name, values in inputs.items()} == {
                name: values for name, values in expected.items() if name != "attention_mask"
            }
            assert count == len(tokenizer(*parts)["input_ids"])


def test_of_a_pair_each_token_says_which_text_it_is_of(modality: TextModality) -> None:
    inputs = modality.view(example(PAIR), None).inputs
    assert inputs.keys() == {"input_ids", "token_type_ids", "attention_mask"}
    first, second = (len(modality.view(example(part), None).inputs["input_ids"]) for part in PAIR)
    assert inputs["token_type_ids"].tolist() == [0] * first + [1] * (second - 1)
    assert inputs["attention_mask"].tolist() == [1] * (first + second - 1)


def test_of_a_pair_that_is_too_long_both_texts_are_seen(modality: TextModality) -> None:
    both = modality.view(example((LONG, LONG)), None).inputs["token_type_ids"]
    assert len(both) == LONGEST
    assert abs(int(both.sum()) - LONGEST // 2) <= 2
    shorter = modality.view(example((LONG, PAIR[1])), None).inputs
    assert int(shorter["token_type_ids"].sum()) == 5  # i was at home, and what ends it


def test_a_cut_text_is_said_with_counts_whether_or_not_its_tokens_were_wanted(modality: TextModality) -> None:
    count = len(LONG.split()) + 2
    for wanted in (None, lambda content: True, lambda content: False):
        assert modality.intake(example(LONG), wanted).cut == f"{LONGEST} of {count} tokens"
        assert modality.intake(example(SHORT), wanted).cut == ""
    assert modality.intake(example(LONG), lambda content: False).compact is None
    assert modality.intake(example(LONG), lambda content: content == scan_text(LONG).content).compact


def test_a_character_of_many_tokens_is_counted_as_such() -> None:
    vocabulary = {
        sign: place for place, sign in enumerate(["[PAD]", *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    by_bytes = Tokenizer(models.BPE(vocabulary, []))
    by_bytes.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    by_bytes.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=by_bytes, pad_token="[PAD]")
    modality = TextModality(TextPreprocessing(tokenizer, LONGEST), None, 0)
    bears = "🐻" * 12  # four bytes each
    assert modality.intake(example(bears)).cut == modality.intake(example(bears), lambda content: False).cut
    assert modality.intake(example(bears)).cut == f"{LONGEST} of 48 tokens"


def test_threads_do_not_meddle_with_each_other(modality: TextModality) -> None:
    expected = {value: modality.intake(example(value)) for value in (SHORT, LONG)}
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            taken = list(
                pool.map(lambda turn: modality.intake(example((SHORT, LONG)[turn % 2])), range(2000))
            )
    finally:
        sys.setswitchinterval(switching)
    for turn, given in enumerate(taken):
        one = expected[(SHORT, LONG)[turn % 2]]
        assert given.cut == one.cut
        assert all(np.array_equal(given.compact[name], array) for name, array in one.compact.items())


# What goes into the bundle


@pytest.mark.parametrize("kind", KINDS)
def test_preprocessing_goes_through_state_and_files_to_an_equal_one(tmp_path: Path, kind: str) -> None:
    preprocessing = TextPreprocessing(read_tokenizer(save_checkpoint(kind, tmp_path / kind)), LONGEST)
    state = json.loads(json.dumps(TextModality.preprocessing_state(preprocessing)))
    beside = tmp_path / "bundle"
    beside.mkdir()
    for name, content in TextModality.preprocessing_files(preprocessing).items():
        (beside / name).write_bytes(content)
    again = TextModality.preprocessing_from(state, beside)
    assert again == preprocessing
    assert again.digest == preprocessing.digest == state["tokenizer"]
    assert hash(again) == hash(preprocessing)
    for parts in ((SHORT,), (LONG,), PAIR):
        (one, count), (other, again_count) = preprocessing.tokens(parts), again.tokens(parts)
        assert count == again_count
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_its_files_do_not_depend_on_what_was_read_before(folder: Path) -> None:
    used, fresh = (TextPreprocessing(read_tokenizer(folder), LONGEST) for _ in range(2))
    used.tokens((LONG,))
    used.tokens((SHORT,))
    assert used.files() == fresh.files()


def test_how_a_tokenizer_was_saved_to_cut_and_fill_up_does_not_matter(folder: Path, tmp_path: Path) -> None:
    tokenizer = read_tokenizer(folder)
    tokenizer.backend_tokenizer.enable_truncation(8)
    tokenizer.backend_tokenizer.enable_padding(length=20)
    tokenizer.save_pretrained(tmp_path)
    plain, odd = (TextPreprocessing(read_tokenizer(place), LONGEST) for place in (folder, tmp_path))
    assert odd.files()["tokenizer.json"] == plain.files()["tokenizer.json"]
    assert odd.tokens((SHORT,))[1] == len(SHORT.split()) + 2


def test_other_lengths_and_other_tokenizers_make_another_preprocessing(folder: Path) -> None:
    plain = TextPreprocessing(read_tokenizer(folder), LONGEST)
    assert plain != TextPreprocessing(read_tokenizer(folder), LONGEST + 1)
    tokenizer = read_tokenizer(folder)
    tokenizer.add_tokens(["quux"])
    more = TextPreprocessing(tokenizer, LONGEST)
    assert more != plain
    states = [TextModality(one, None, 0).compact_state() for one in (plain, more)]
    assert states[0] != states[1]


# What a report shows


def test_an_excerpt_is_the_beginning_and_of_a_pair_both() -> None:
    assert TextModality.excerpt(example(SHORT)) == (SHORT,)
    assert TextModality.excerpt(example("a" * 1000)) == ("a" * EXCERPT + "…",)
    assert TextModality.excerpt(example(PAIR)) == PAIR
    assert sum(map(len, TextModality.excerpt(example(("a" * 1000, "b" * 1000))))) <= EXCERPT + 10
    assert TextModality.excerpt(example(" ")) == ()
    assert TextModality.picture(example(SHORT)) is None
