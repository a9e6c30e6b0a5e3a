"""Texts to be written: what the network reads, what is to be told, and how both are cut."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

from headstart.contracts import Chat, Example
from headstart.errors import DataError
from headstart.modalities.text.preprocessing import TextPreprocessing, read_tokenizer
from headstart.modalities.text.prompts import Opening, shown
from headstart.modalities.text.writing import WritingModality

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ' : ' + message['content'] + ' . ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant :' }}{% endif %}"
)
CHAT = Chat((("system", "look"), ("user", "the cat")))
LONG = "the cat sat on the mat and looked at the dog " * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint("gpt2", tmp_path_factory.mktemp("gpt2"))


def modality(folder: Path, *, apart: bool = False, longest: int = 64, template: str = "") -> WritingModality:
    tokenizer = read_tokenizer(folder)
    tokenizer.bos_token = "[CLS]"
    tokenizer.chat_template = template or None
    start = tokenizer.pad_token_id if apart else None
    return WritingModality(TextPreprocessing(tokenizer, longest, start), None, 0)


def read(made: WritingModality, value: Any, target: str | None = None) -> tuple[str, str, int]:
    """What the network reads, what is to be written, and how many tokens that is, as texts."""
    view = made.view(Example("1", value, target), None)
    tokenizer = made.preprocessing.tokenizer
    written = [] if view.target is None else view.target.tolist()
    assert view.inputs["attention_mask"].tolist() == [1] * len(view.inputs["input_ids"])
    return tokenizer.decode(view.inputs["input_ids"]), tokenizer.decode(written), view.geometry.tokens


def test_what_is_read_and_what_is_written_are_apart_where_a_decoder_is(folder: Path) -> None:
    said = read(modality(folder, apart=True), "the cat", "a good dog")
    assert said == ("[CLS] the cat [SEP]", "[CLS] a good dog [SEP]", 5)


def test_what_is_written_follows_what_is_read_where_a_network_goes_on(folder: Path) -> None:
    made = modality(folder)
    assert read(made, "the cat", "a good dog") == ("[CLS] the cat a good dog [SEP]", "a good dog [SEP]", 4)
    assert read(made, "the cat") == ("[CLS] the cat", "", 0)


def test_a_text_that_nothing_comes_before_begins_with_the_token_that_begins_texts(folder: Path) -> None:
    assert read(modality(folder), "", "a good dog") == ("[CLS] a good dog [SEP]", "a good dog [SEP]", 4)
    with pytest.raises(DataError, match="is empty"):
        read(modality(folder), "")


def test_a_conversation_is_lines_that_end_in_the_assistants_turn(folder: Path) -> None:
    beginning, written, _ = read(modality(folder), CHAT, "a good dog")
    lines = "system : look user : the cat assistant :"
    assert beginning.replace(" ##", "") == f"[CLS] {lines} a good dog [SEP]"
    assert written == "a good dog [SEP]"
    assert shown(CHAT) == "system: look\nuser: the cat"


def test_a_template_serves_conversations_and_plain_prompts_and_no_text_alone(folder: Path) -> None:
    made = modality(folder, template=TEMPLATE)
    assert read(made, CHAT)[0].replace(" ##", "") == "system : look . user : the cat . assistant :"
    assert read(made, "the cat")[0].replace(" ##", "") == "user : the cat . assistant :"
    assert read(made, Opening("the cat"))[0] == "[CLS] the cat"
    assert read(made, "", "a dog")[0] == "[CLS] a dog [SEP]"


def test_what_a_template_refuses_is_named(folder: Path) -> None:
    made = modality(folder, template="{{ raise_exception('no system here') }}")
    with pytest.raises(DataError, match=r"row 3: .*no system here"):
        made.view(Example("1", CHAT, "a dog", origin="row 3"), None)
    assert "no system here" in str(made.intake(Example("1", CHAT, "a dog")).scan.error)


@pytest.mark.parametrize(
    ("value", "target"), [("the cat", LONG), (LONG, "a good dog"), (LONG, LONG), (LONG, None)]
)
def test_prompt_and_target_fit_and_each_keeps_its_half(folder: Path, value: str, target: str | None) -> None:
    made = modality(folder, longest=16)
    view = made.view(Example("1", value, target), None)
    ids, tokens = view.inputs["input_ids"].tolist(), view.geometry.tokens
    before = len(ids) - tokens
    assert len(ids) <= 16
    assert ids[0] == made.preprocessing.tokenizer.bos_token_id
    if value == LONG:
        # Its end stays, since what is written goes on from there.
        assert made.preprocessing.tokenizer.decode(ids[:before]).endswith("at the dog")
        assert before >= 8
    if target == LONG:
        assert tokens >= 8
    if target is not None:
        assert view.target.tolist()[-1] == view.geometry.end
    else:
        assert before == 8


def test_what_is_cut_is_said(folder: Path) -> None:
    for apart in (False, True):
        made = modality(folder, apart=apart, longest=16)
        assert made.intake(Example("1", "the cat", "a dog")).cut == ""
        assert made.intake(Example("1", LONG, "a dog")).cut.startswith("16 of 3")
        assert made.intake(Example("1", "the cat", LONG)).cut.startswith("16 of 3")


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("value", ["the cat", LONG, "", CHAT])
def test_views_of_kept_tokens_are_those_of_the_text(folder: Path, apart: bool, value: Any) -> None:
    if apart and value in ("", CHAT):
        pytest.skip("only a network that goes on reads these")
    made = modality(folder, apart=apart, longest=16)
    example = Example("1", value, "a good dog")
    kept, own = made.view(example, None, made.intake(example).compact), made.view(example, None)
    assert all(np.array_equal(kept.inputs[name], own.inputs[name]) for name in own.inputs)
    assert kept.geometry == own.geometry
    assert kept.target.tolist() == own.target.tolist()


def test_a_conversation_is_nothing_for_a_network_that_reads_single_texts(folder: Path) -> None:
    with pytest.raises(DataError, match=r"row 3: is a conversation.*text-generation"):
        modality(folder, apart=True).view(Example("1", CHAT, "a dog", origin="row 3"), None)


def test_sizes_count_what_is_to_be_written_and_texts_alone_are_told_apart_by_it() -> None:
    def scan(value: Any, target: str | None) -> Any:
        return WritingModality.scan(Example("1", value, target))

    assert scan("the cat", "a dog").size == (12, 4)
    assert scan("the cat", "a dog").content == scan("the cat", None).content
    assert scan("", "a dog").content != scan("", "a cat").content
    assert scan("", "a dog").size == (5, 2)
    assert scan("the cat", " ").error == "the text to be written: is empty."
    assert scan(("the", "cat"), "a").error == "must be one text, not 2."
    assert scan(Chat(()), "a").error == "the conversation is empty."
    assert scan(Chat((("user", "the cat"),)), "a").content != scan("the cat", "a").content


def test_tokens_become_the_text_again_up_to_its_end(folder: Path) -> None:
    made = modality(folder)
    view = made.view(Example("1", "the cat", "a good dog"), None)
    more = [*view.target.tolist(), *view.target.tolist()]
    assert view.geometry.text_of(more) == "a good dog"
