"""Questions on contexts as windows: those that transformers makes, and where tokens stand in the text."""

from __future__ import annotations

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

from tiny_transformers import save_checkpoint

from headstart.catalog import MODALITIES, resolve
from headstart.contracts import Example
from headstart.errors import DataError
from headstart.modalities.text.preprocessing import TextPreprocessing, read_tokenizer
from headstart.modalities.text.windows import OVERLAP, Windows, WindowsModality

LONGEST = 32
WORDS = ("the", "cat", "sat", "on", "mat", "and", "looked", "at", "Märchen", "🐻", "don't", "2nd")
QUESTION = "where is the cat ?"


@pytest.fixture(scope="module", params=["bert", "roberta"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def modality(folder: Path) -> WindowsModality:
    return WindowsModality(TextPreprocessing(read_tokenizer(folder), LONGEST), None, 0)


def text(words: int, seed: int = 0) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def asked(question: str, context: str, id: str = "squad.json:7") -> Example:
    return Example(id, (question, context))


def rows_of(windows: Windows, values: torch.Tensor) -> list[list[int]]:
    return [values[part].tolist() for part in windows.slices]


def test_the_catalogue_finds_it() -> None:
    assert resolve("modality", "windows", MODALITIES) is WindowsModality


@pytest.mark.parametrize("words", [1, 12, 40, 200])
def test_windows_are_those_of_transformers(modality: WindowsModality, folder: Path, words: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    context = text(words)
    asking = len(tokenizer(QUESTION, add_special_tokens=False)["input_ids"])
    room = LONGEST - tokenizer.num_special_tokens_to_add(pair=True) - asking
    expected = tokenizer(
        QUESTION,
        context,
        truncation="only_second",
        max_length=LONGEST,
        stride=room // OVERLAP,
        return_overflowing_tokens=True,
    )
    view = modality.view(asked(QUESTION, context), None)
    assert rows_of(view.geometry, view.inputs["input_ids"]) == expected["input_ids"]
    if "token_type_ids" in expected:
        assert rows_of(view.geometry, view.inputs["token_type_ids"]) == expected["token_type_ids"]
    assert torch.equal(view.inputs["attention_mask"], torch.ones_like(view.inputs["input_ids"]))
    assert len(view.geometry) == (1 if words <= 12 else len(expected["input_ids"]))


def test_every_token_says_where_it_stands_in_the_context(modality: WindowsModality) -> None:
    context = "  the\tcat,  sat 🐻 on\n\nthe Märchen-mat.  " * 6
    windows: Windows = modality.view(asked(QUESTION, context), None).geometry
    assert len(windows) > 1
    seen = np.zeros(len(context), dtype=bool)
    for start, stop in zip(windows.starts.tolist(), windows.stops.tolist(), strict=True):
        assert (start < 0) == (stop < 0)
        if start >= 0:
            part = context[start:stop]
            assert part and part == part.strip()
            seen[start:stop] = True
    assert all(seen[place] or character.isspace() for place, character in enumerate(context))
    for part in windows.slices:
        inside = np.flatnonzero(windows.starts[part] >= 0)
        # The question comes first, and something special last.
        assert inside[0] > 1 and inside[-1] == part.stop - part.start - 2
        assert (np.diff(windows.starts[part][inside]) >= 0).all()


def test_neighbours_share_a_part_of_the_context(modality: WindowsModality) -> None:
    windows: Windows = modality.view(asked(QUESTION, text(200)), None).geometry
    for one, other in zip(windows.slices, windows.slices[1:], strict=False):
        ends = set(windows.stops[one][windows.stops[one] >= 0].tolist())
        begins = set(windows.stops[other][windows.stops[other] >= 0].tolist())
        assert len(ends & begins) >= 3


def test_places_leave_out_the_blank_that_some_tokens_begin_with() -> None:
    words = Tokenizer(models.BPE({"Ġ": 0, "o": 1, "s": 2, "l": 3, "Ġo": 4, "[PAD]": 5}, [("Ġ", "o")]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False)
    words.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]")
    modality = WindowsModality(TextPreprocessing(tokenizer, LONGEST), None, 0)
    windows: Windows = modality.view(asked("so", "s oslo  s"), None).geometry
    pairs = list(zip(windows.starts.tolist(), windows.stops.tolist(), strict=True))
    # Two of the question, then "s", " o", "s", "l", "o", a blank alone, and " s" in two.
    assert pairs == [(-1, -1)] * 2 + [(0, 1), (2, 3), (3, 4), (4, 5), (5, 6), (-1, -1), (-1, -1), (8, 9)]


def test_a_question_takes_no_more_than_half_and_that_it_is_cut_is_said(modality: WindowsModality) -> None:
    example = asked(text(60), text(100, seed=1))
    taken = modality.intake(example)
    assert "tokens of the question" in taken.cut
    windows: Windows = modality.view(example, None).geometry
    for part in windows.slices[:-1]:
        assert (windows.starts[part] >= 0).sum() >= LONGEST // 2 - 2
        assert part.stop - part.start == LONGEST
    # However long a context is, all of it is seen.
    assert modality.intake(asked(QUESTION, text(500))).cut == ""


def test_an_intake_is_scan_and_view_at_once(modality: WindowsModality) -> None:
    example = asked(QUESTION, text(90))
    taken = modality.intake(example)
    assert taken.scan == WindowsModality.scan(example)
    assert all(array.ndim == 1 for array in taken.compact.values())
    view, again = (modality.view(example, 3, compact) for compact in (None, taken.compact))
    for name, tensor in view.inputs.items():
        assert torch.equal(tensor, again.inputs[name])
        assert tensor.dtype == again.inputs[name].dtype == torch.int64
    assert view.padding == again.padding
    assert view.geometry.draw == again.geometry.draw
    for name in ("lengths", "starts", "stops"):
        np.testing.assert_array_equal(getattr(view.geometry, name), getattr(again.geometry, name))


def test_a_draw_is_a_function_of_seed_epoch_and_example(folder: Path) -> None:
    def draw(seed: int, epoch: int | None, id: str) -> int | None:
        modality = WindowsModality(TextPreprocessing(read_tokenizer(folder), LONGEST), None, seed)
        drawn: int | None = modality.view(asked(QUESTION, "the mat", id), epoch).geometry.draw
        return drawn

    assert draw(0, 1, "a") == draw(0, 1, "a")
    assert len({draw(0, 1, "a"), draw(1, 1, "a"), draw(0, 2, "a"), draw(0, 1, "b\ud800")}) == 4
    assert draw(0, None, "a") is None


def test_one_window_of_some_is_as_it_is_among_them(modality: WindowsModality) -> None:
    windows: Windows = modality.view(asked(QUESTION, text(90)), 0).geometry
    alone = windows.only(1)
    assert len(alone) == 1 and alone.draw == windows.draw
    np.testing.assert_array_equal(alone.starts, windows.starts[windows.slices[1]])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a text alone", "must be a question and a context, a pair of texts"),
        (("one", "two", "three"), "must be a question and a context, a pair of texts"),
        (("where", " "), "is empty"),
        ((3, "there"), "must be a text, not int"),
    ],
    ids=repr,
)
def test_what_is_no_such_pair_is_refused_with_its_place(
    modality: WindowsModality, value: Any, problem: str
) -> None:
    with pytest.raises(DataError) as refused:
        modality.view(Example("1", value, origin="squad.json, question 8"), None)
    assert refused.value.cause == f"squad.json, question 8: {problem}."
    assert refused.value.remedy
    assert WindowsModality.scan(Example("1", value)).error == f"{problem}."
    assert modality.intake(Example("1", value)).scan.error == f"{problem}."


def test_threads_make_the_same_windows_and_leave_the_tokenizer_as_it_was(modality: WindowsModality) -> None:
    examples = [asked(QUESTION, text(10 * number, seed=number)) for number in range(1, 20)]
    before = modality.preprocessing.tokenizer.backend_tokenizer.to_str()
    alone = [modality.intake(example).compact for example in examples]
    with ThreadPoolExecutor(4) as pool:
        together = [taken.compact for taken in pool.map(modality.intake, examples)]
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert modality.preprocessing.tokenizer.backend_tokenizer.to_str() == before
