"""What comes next: loss on the answer alone as transformers has it, what is written, and whole fits."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from merged_adapters import assert_merged_is_the_same
from tiny_transformers import CONTINUERS, CORPUS, save_checkpoint

import headstart as hs
from headstart.contracts import Chat, Example, Head, Objective
from headstart.errors import ModelError
from headstart.modalities.text.prompts import Opening
from headstart.modalities.text.writing import WritingModality
from headstart.sources.hf import HuggingFace
from headstart.tasks.text_generation import TextGeneration
from headstart.tasks.writing import Draft, Written

PAIRS: list[tuple[Any, str]] = [
    ("the cat sat", "a dog looked at the mat"),
    ("a good film with a warm heart and", "bad"),
    ("", "the mat and the dog"),
    (Chat((("user", "where were you ?"),)), "at home"),
]
WORDS = list(dict.fromkeys(" ".join(CORPUS[:2]).replace(",", "").split()))


class Setting:
    """A tiny network of a kind, and batches for it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = save_checkpoint(kind, folder)
        self.backbone = backbone = HuggingFace().load(str(self.folder), task="text-generation")
        self.tokenizer = backbone.preprocessing.tokenizer
        # As of many checkpoints: what fills up a batch is what ends a text.
        self.tokenizer.pad_token = self.tokenizer.eos_token
        self.modality = WritingModality(backbone.preprocessing, None, 0)
        self.task = TextGeneration("perplexity", 8)
        self.network = self.task.build(backbone, Head()).eval()
        self.own = AutoModelForCausalLM.from_pretrained(self.folder).eval()

    def view(self, value: Any, target: str | None) -> Any:
        return self.modality.view(Example("1", value, target), None)

    def batch(self, pairs: Any, *, known: bool = True) -> Any:
        examples = [
            Example(str(place), value, target if known or value == "" else None)
            for place, (value, target) in enumerate(pairs)
        ]
        return self.task.collate(examples, [self.modality.view(example, None) for example in examples])


@pytest.fixture(scope="module", params=CONTINUERS)
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(request.param, tmp_path_factory.mktemp(request.param))


@torch.no_grad()
def test_the_loss_is_that_of_transformers_on_the_answer_alone(setting: Setting) -> None:
    loss, _ = setting.task.loss(setting.network, setting.batch(PAIRS), Objective())
    units = 0
    for place, pair in enumerate(PAIRS):
        view = setting.view(*pair)
        ids, tokens = view.inputs["input_ids"][None], view.geometry.tokens
        labels = ids.clone()
        labels[:, :-tokens] = -100
        expected = setting.own(input_ids=ids, labels=labels).loss * tokens
        torch.testing.assert_close(loss.per_example[place], expected, rtol=1e-4, atol=1e-4)
        assert ids[0, -1] == setting.tokenizer.eos_token_id
        units += tokens
    assert loss.units == units


def test_the_loss_knows_nothing_of_the_prompts_own_tokens(setting: Setting) -> None:
    logits = torch.zeros(1, 8, len(setting.tokenizer)).log_softmax(-1)
    batch = setting.batch(PAIRS[:1])
    told = (batch.targets[0] != -100).sum()
    assert told == batch.geometry[0].tokens < len(setting.view(*PAIRS[0]).inputs["input_ids"])
    uniform = setting.task.loss(Uniform(logits.shape[-1]), batch, Objective())[0]
    assert float(uniform.total) == pytest.approx(int(told) * math.log(logits.shape[-1]), rel=1e-5)


class Uniform(torch.nn.Module):
    """Knows nothing: all tokens are alike to it."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*input_ids.shape, self.vocabulary)


@torch.no_grad()
def test_what_is_written_is_the_likeliest_token_at_each_step(setting: Setting) -> None:
    asked = [PAIRS[0], PAIRS[1], PAIRS[3]]
    written = setting.task.outputs(setting.network, setting.batch(asked, known=False))
    for draft, (value, _) in zip(written, asked, strict=True):
        ids = setting.view(value, None).inputs["input_ids"].tolist()
        start = len(ids)
        for _ in range(setting.task.longest + 1):
            ids.append(int(setting.own(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == setting.tokenizer.eos_token_id:
                break
        assert draft.text == setting.tokenizer.decode(ids[start:], skip_special_tokens=True).strip()


def test_outputs_of_examples_with_targets_are_their_losses(setting: Setting) -> None:
    with torch.inference_mode():
        drafts = setting.task.outputs(setting.network, setting.batch(PAIRS))
    assert all(draft.text is None and draft.tokens > 0 for draft in drafts)
    scorers = setting.task.scorers(drafts, [target for _, target in PAIRS])
    expected = math.exp(sum(draft.loss for draft in drafts) / sum(draft.tokens for draft in drafts))
    assert scorers["perplexity"](np.ones((1, 4)))[0] == pytest.approx(expected)


def test_adapters_that_are_added_to_the_weights_give_what_they_gave_beside_them(setting: Setting) -> None:
    assert_merged_is_the_same(setting.task, setting.network, setting.backbone, setting.batch(PAIRS))


def test_the_report_asks_for_a_few_and_goes_on_with_texts_alone() -> None:
    asked: list[Any] = []

    def ask(values: Any) -> list[Written]:
        asked.extend(values)
        return [Written(None, None, text="more") for _ in values]

    task = TextGeneration("perplexity", 8)
    examples = [Example(str(place), "", "one two three four five six") for place in range(20)]
    exhibits = task.exhibits(examples, [Draft(1.0, 4)] * 20, ask)
    assert [shown.id for shown in exhibits.shown] == ["0", "3", "5", "8", "11", "14", "16", "19"]
    assert all(isinstance(value, Opening) and value == "one two" for value in asked)
    parts = {part.name: part.text for part in exhibits.shown[0].parts}
    assert parts == {"prompt": "one two", "reference": "three four five six", "output": "more"}
    chat = Chat((("user", "hello"),))
    task.exhibits([Example("1", chat, "hi")], [Draft(1.0, 4)], ask)
    assert asked[-1] == chat


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tables of prompts and of conversations, and a plain text; words follow each other by a rule."""
    folder = tmp_path_factory.mktemp("desk")
    for kind in CONTINUERS:
        save_checkpoint(kind, folder / kind)
    generator = np.random.default_rng(0)
    prompts, chats, text = [], [], []
    for number in range(40):
        places = generator.integers(0, len(WORDS), 3 + number % 3)
        prompt = " ".join(WORDS[place] for place in places)
        answer = " ".join(WORDS[5 * place % len(WORDS)] for place in places)
        prompts.append({"prompt": prompt, "response": answer})
        said = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        chats.append({"messages": said})
        text.append(" ".join(f"{prompt} {answer}" for _ in range(30)))
    for name, rows in (("prompts", prompts), ("chats", chats)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "book.txt").write_text("\n\n".join(text) + "\n")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(before)


def fitted(desk: Path, data: str, out: Path, *, kind: str = "gpt2", **named: Any) -> hs.Run:
    return hs.fit(
        desk / data,
        task="text-generation",
        model=f"hf:{desk / kind}",
        lr=3e-3,
        batch_size=8,
        out=out,
        stream=None,
        **{"epochs": 2, "technique": "full", **named},
    )


@pytest.fixture(scope="module")
def run(desk: Path) -> hs.Run:
    return fitted(desk, "prompts.jsonl", desk / "run", epochs=12)


def test_perplexity_falls_below_that_of_a_network_that_has_learned_less(desk: Path, run: hs.Run) -> None:
    less = fitted(desk, "prompts.jsonl", desk / "less", epochs=1)
    assert run.test.perplexity < less.test.perplexity
    assert set(run.test.metrics) == {"perplexity", "loss"}
    assert run.test.perplexity == pytest.approx(math.exp(run.test.loss))
    assert hs.evaluate(run.path).perplexity == pytest.approx(run.test.perplexity, rel=1e-5)


@pytest.mark.parametrize("kind", CONTINUERS)
def test_the_bundle_opens_with_transformers_and_gives_the_same_logits(
    desk: Path, tmp_path: Path, kind: str
) -> None:
    made = fitted(desk, "prompts.jsonl", tmp_path / "run", kind=kind, technique="lora")
    own = AutoModelForCausalLM.from_pretrained(made.path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(made.path / "model")
    ids = tokenizer("the cat sat", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        ours = hs.load(made.path).torch(input_ids=ids, attention_mask=torch.ones_like(ids))
        torch.testing.assert_close(own(input_ids=ids).logits, ours)


@pytest.mark.parametrize("data", ["chats.jsonl", "book.txt"])
def test_conversations_and_plain_texts_are_learned_from(desk: Path, tmp_path: Path, data: str) -> None:
    made = fitted(desk, data, tmp_path / "run")
    assert made.test.perplexity > 1
    assert "Texts as the model writes them" in (made.path / "report.html").read_text()


def test_prompts_texts_and_conversations_are_answered(run: hs.Run, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("the cat sat")
    chat = Chat((("user", "the cat sat"),))
    model = hs.load(run.path)
    plain, file, said = model.predict(["the cat sat", tmp_path / "prompt.txt", chat])
    assert isinstance(plain, Written)
    assert plain == file
    assert isinstance(said.text, str)
    assert plain.label is None


@pytest.mark.parametrize("technique", ["two-phase", "gradual-unfreezing", "auto"])
def test_techniques_work_where_there_is_no_new_head(desk: Path, tmp_path: Path, technique: str) -> None:
    made = fitted(desk, "prompts.jsonl", tmp_path / "run", technique=technique, epochs=3)
    assert made.result["steps"] > 0


def test_a_model_must_be_named(desk: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"No model for text-generation.*--model hf:"):
        hs.fit(desk / "chats.jsonl", task="text-generation", out=tmp_path / "run", stream=None)
