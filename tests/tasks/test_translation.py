"""A text for a text: loss as transformers has it, beam search, scores, and a fit whose bundle it opens."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from merged_adapters import assert_merged_is_the_same
from tiny_transformers import CORPUS, TRANSLATORS, save_checkpoint

import headstart as hs
from headstart.contracts import Example, Head, Objective
from headstart.errors import ConfigError, DataError, ModelError
from headstart.modalities.text.writing import WritingModality
from headstart.sources.hf import HuggingFace
from headstart.tasks.translation import Translation
from headstart.tasks.writing import Draft

WORDS = list(dict.fromkeys(" ".join(CORPUS[:2]).replace(",", "").split()))
PAIRS = [("the cat sat", "a dog looked at"), ("a good film", "bad"), ("the mat and the dog", "warm heart")]


class Setting:
    """A tiny network of a kind, and batches for it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = save_checkpoint(kind, folder, writes=True)
        self.backbone = HuggingFace().load(str(self.folder), task="translation")
        self.modality = WritingModality(self.backbone.preprocessing, None, 0)
        self.task = Translation("chrf", 8)
        self.network = self.task.build(self.backbone, Head()).eval()

    def batch(self, pairs: Any, *, known: bool = True) -> Any:
        examples = [
            Example(str(place), source, target if known else None)
            for place, (source, target) in enumerate(pairs)
        ]
        return self.task.collate(examples, [self.modality.view(example, None) for example in examples])


@pytest.fixture(scope="module", params=TRANSLATORS)
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(request.param, tmp_path_factory.mktemp(request.param))


@torch.no_grad()
def test_the_loss_is_that_of_transformers(setting: Setting) -> None:
    own = AutoModelForSeq2SeqLM.from_pretrained(setting.folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(setting.folder)
    loss, outputs = setting.task.loss(setting.network, setting.batch(PAIRS), Objective())
    assert outputs is None
    for place, (source, target) in enumerate(PAIRS):
        ids = tokenizer(source, return_tensors="pt")["input_ids"]
        labels = tokenizer(text_target=target, return_tensors="pt")["input_ids"]
        expected = own(input_ids=ids, labels=labels).loss * labels.shape[1]
        torch.testing.assert_close(loss.per_example[place], expected, rtol=1e-4, atol=1e-4)
    tokens = sum(len(tokenizer(target)["input_ids"]) for _, target in PAIRS)
    assert loss.units == tokens
    torch.testing.assert_close(loss.total, loss.per_example.sum())


@torch.no_grad()
def test_what_is_written_is_what_beam_search_gives_for_each_alone(setting: Setting) -> None:
    own = AutoModelForSeq2SeqLM.from_pretrained(setting.folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(setting.folder)
    written = setting.task.outputs(setting.network, setting.batch(PAIRS, known=False))
    for draft, (source, _) in zip(written, PAIRS, strict=True):
        ids = tokenizer(source, return_tensors="pt")["input_ids"]
        expected = own.generate(input_ids=ids, num_beams=4, max_new_tokens=9, max_length=None)
        assert draft.text == tokenizer.decode(expected[0], skip_special_tokens=True).strip()
        assert np.isnan(draft.loss)


@torch.no_grad()
def test_an_example_with_a_target_has_its_loss_and_what_is_written_without_looking_at_it(
    setting: Setting,
) -> None:
    both = setting.task.outputs(setting.network, setting.batch(PAIRS))
    blind = setting.task.outputs(setting.network, setting.batch(PAIRS, known=False))
    losses, _ = setting.task.loss(setting.network, setting.batch(PAIRS), Objective())
    assert [draft.text for draft in both] == [draft.text for draft in blind]
    np.testing.assert_allclose([draft.loss for draft in both], losses.per_example, rtol=1e-5)
    assert [draft.text for draft in setting.task.quick_outputs(setting.network, setting.batch(PAIRS))] == [
        None
    ] * len(PAIRS)


def test_adapters_that_are_added_to_the_weights_give_what_they_gave_beside_them(setting: Setting) -> None:
    assert_merged_is_the_same(setting.task, setting.network, setting.backbone, setting.batch(PAIRS))


def test_texts_are_scored_where_there_are_any() -> None:
    task = Translation("chrf", 8)
    quick = [Draft(2.0, 4), Draft(4.0, 2)]
    assert set(task.scorers(quick, ["a b", "c"])) == {"loss", "perplexity"}
    scorers = task.scorers([Draft(2.0, 4, "a b"), Draft(4.0, 2, "d")], ["a b", "c"])
    assert set(scorers) == {"chrf", "bleu", "loss", "perplexity"}
    one, other = np.eye(2)[None, 0], np.eye(2)[None, 1]
    assert (scorers["chrf"](one)[0], scorers["chrf"](other)[0]) == (1, 0)
    assert scorers["loss"](np.ones((1, 2)))[0] == 1
    assert scorers["perplexity"](one)[0] == pytest.approx(np.exp(0.5))


def test_the_report_has_the_worst_first_and_three_texts_of_each() -> None:
    task = Translation("chrf", 8)
    examples = [Example(str(place), f"source {place}", "a b c d") for place in range(40)]
    texts = ["a b c d"] * 20 + ["a b c"] * 19 + ["x"]
    exhibits = task.exhibits(examples, [Draft(1.0, 4, text) for text in texts], lambda _: [])
    assert exhibits.shown[0].id == "39, chrF 0.00"
    assert [part.name for part in exhibits.shown[0].parts] == ["source", "reference", "output"]
    assert [part.text for part in exhibits.shown[0].parts] == ["source 39", "a b c d", "x"]
    assert len({shown.id for shown in exhibits.shown}) == 18


def test_what_is_not_there_is_refused() -> None:
    examples = [Example("1", "a", "b")]
    with pytest.raises(ConfigError, match=r"chrff.*Did you mean 'chrf'"):
        Translation.from_examples(examples, {"metric": "chrff"})
    with pytest.raises(ConfigError, match="multi_label: unknown option of translation"):
        Translation.from_examples(examples, {"multi_label": True})
    with pytest.raises(DataError, match="what is to be written"):
        Translation.from_examples([Example("1", "a")], {})
    with pytest.raises(DataError, match="row 1: does not say what is to be written"):
        Translation("chrf", 8).encode(Example("1", "a", origin="row 1"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """30 pairs, each word of the one for a word of the other."""
    folder = tmp_path_factory.mktemp("desk")
    save_checkpoint("bart", folder / "bart", writes=True)
    generator = np.random.default_rng(0)
    rows = ["en,de"]
    for number in range(30):
        places = generator.integers(0, len(WORDS), 3 + number % 3)
        source = " ".join(WORDS[place] for place in places)
        rows.append(f"{source},{' '.join(WORDS[5 * place % len(WORDS)] for place in places)}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(before)


def fitted(desk: Path, name: str, *, technique: str, epochs: int, **settings: Any) -> hs.Run:
    return hs.fit(
        desk / "pairs.csv",
        model=f"hf:{desk / 'bart'}",
        technique=technique,
        epochs=epochs,
        lr=3e-3,
        batch_size=8,
        out=desk / name,
        settings={"train.patience": 0, **settings},
        stream=None,
    )


@pytest.fixture(scope="module")
def run(desk: Path) -> hs.Run:
    return fitted(desk, "full", technique="full", epochs=70, **{"technique.options.layer_decay": 1.0})


def test_pairs_are_learned_by_heart(desk: Path, run: hs.Run) -> None:
    assert run.result["task"] == "translation"
    rows = (desk / "pairs.csv").read_text().splitlines()
    train = json.loads((run.path / "data.json").read_text())["splits"]["train"]
    known = [rows[int(name.rpartition(":")[2]) - 1] for name in train]
    (desk / "known.csv").write_text("\n".join([rows[0], *known]) + "\n")
    assert hs.evaluate(run.path, desk / "known.csv").bleu > 0.9


def test_its_files_say_source_reference_and_output(run: hs.Run) -> None:
    with (run.path / "predictions" / "test.csv").open() as file:
        first = next(csv.DictReader(file))
    assert {"id", "source", "reference", "output", "chrf"} <= set(first)
    page = (run.path / "report.html").read_text()
    assert first["source"] in page
    assert first["reference"] in page
    assert set(run.test.metrics) == {"chrf", "bleu", "loss", "perplexity"}


@torch.no_grad()
def test_the_bundle_opens_with_transformers_and_gives_the_same_logits(run: hs.Run) -> None:
    own = AutoModelForSeq2SeqLM.from_pretrained(run.path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    model = hs.load(run.path)
    inputs = {
        "input_ids": tokenizer("the cat sat", return_tensors="pt")["input_ids"],
        "decoder_input_ids": torch.tensor([[own.config.decoder_start_token_id, 30, 31]]),
    }
    torch.testing.assert_close(own(**inputs).logits, model.torch(**inputs))
    (answer,) = model.predict(["the cat sat"])
    ids = own.generate(input_ids=inputs["input_ids"], num_beams=4, max_new_tokens=60, max_length=None)
    assert answer.text == tokenizer.decode(ids[0], skip_special_tokens=True).strip()
    assert answer.cells() == {"text": answer.text}


@pytest.mark.parametrize(
    ("technique", "phases"), [("lora", 1), ("two-phase", 1), ("gradual-unfreezing", 3), ("auto", 1)]
)
def test_techniques_work_where_there_is_no_new_head(
    desk: Path, tmp_path: Path, technique: str, phases: int
) -> None:
    made = fitted(desk, str(tmp_path / "run"), technique=technique, epochs=3)
    decisions = json.loads((made.path / "plan.json").read_text())["decisions"]
    assert len(decisions["phases"]["value"]) == phases
    assert made.result["steps"] > 0
    AutoModelForSeq2SeqLM.from_pretrained(made.path / "model")


def test_a_model_must_be_named(desk: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"No model for translation.*--model hf:"):
        hs.fit(desk / "pairs.csv", task="translation", out=tmp_path / "run", stream=None)
