"""Tags of words from files to a saved model: fitted, judged, predicted, and opened by transformers."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from headstart import workflow
from headstart.api import check
from headstart.artifact.bundle import load_bundle
from headstart.artifact.result import Run
from headstart.config.load import load
from headstart.errors import DataError
from headstart.steps.screen import show_scores

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

# Of words that the tiny tokenizer knows; what names people it spells letter by letter.
PLAIN = ("the", "dog", "looked", "at", "and", "sat", "on", "a", "mat", "without")
PEOPLE = (("zoe",), ("max", "quill"), ("ulf",))
THINGS = (("cat",), ("film",), ("free", "prize"))


def sentences(count: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Words with tags: people and things among plain words, of many lengths."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        words, tags = [], []
        for names, kind in ((PEOPLE, "person"), (THINGS, "thing")) if number % 5 else ():
            before = random.choice(PLAIN, random.integers(1, 5)).tolist()
            name = names[random.integers(len(names))]
            words += [*before, *name]
            tags += [*"O" * len(before), f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
        end = random.choice(PLAIN, random.integers(1, 4)).tolist()
        found.append(([*words, *end], [*tags, *"O" * len(end)]))
    return found


def write_lines(path: Path, rows: list[tuple[list[str], list[str]]]) -> None:
    lines = [json.dumps({"tokens": words, "tags": tags}) for words, tags in rows]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.jsonl and test.jsonl; one test sentence is far too long for the network."""
    folder = tmp_path_factory.mktemp("tagged")
    write_lines(folder / "train.jsonl", sentences(120, 0))
    long = (["the", "cat"] * 100, ["O", "B-thing"] * 100)
    write_lines(folder / "test.jsonl", [*sentences(30, 1), long])
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{save_checkpoint('bert', tmp_path_factory.mktemp('bert'))}"


def fitted(data: Path, checkpoint: str, out: Path, **settings: Any) -> Run:
    given = {
        "data.path": str(data),
        "out": str(out),
        "cache.path": str(out.parent / "cache"),
        "model.name": checkpoint,
        "train.epochs": 6,
        "train.lr": 3e-3,
        "train.batch_size": 8,
        "features.engine": "eager",
        "device": "cpu",
    }
    return workflow.fit(load(None, {**given, **settings}), stream=io.StringIO())


@pytest.fixture(scope="module")
def run(data: Path, checkpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fitted(data, checkpoint, tmp_path_factory.mktemp("runs") / "run")


def test_it_is_recognised_and_learned(run: Run) -> None:
    result = run.result
    assert result["task"] == "token-classification"
    assert result["metric"] == "f1"
    assert result["labels"] == ["B-person", "B-thing", "I-person", "I-thing", "O"]
    assert result["baselines"]["majority"]["test"]["metrics"]["f1"]["value"] == 0
    assert "linear_probe" not in result["baselines"]
    assert result["val"]["metrics"]["f1"]["value"] > 0.9


def test_findings_are_of_tags_and_not_of_classes_of_texts(data: Path, run: Run) -> None:
    findings = {finding.code: finding for finding in check(data)}
    assert findings["classes"].text == "151 examples with 5 tags."
    assert not findings.keys() & {"imbalance", "rare-classes", "one-class"}
    record = json.loads((run.path / "data.json").read_text())
    (cut,) = (found for found in record["findings"] if found["code"] == "cut")
    assert cut["ids"] == ["test.jsonl:31"]
    assert "without 138 of 200 words" in cut["text"]


def test_words_that_are_cut_off_count_as_missed(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO((run.path / "predictions" / "test.csv").read_text())))
    assert list(rows[0]) == ["id", "true", "predicted", "words", "wrong_words"]
    (cut,) = (row for row in rows if row["id"] == "test.jsonl:31")
    assert cut["words"] == "200"
    assert int(cut["wrong_words"]) >= 69
    assert len(cut["predicted"].split("; ")) <= 31


def test_a_report_marks_entities_and_scores_each_type(run: Run) -> None:
    page = (run.path / "report.html").read_text()
    assert 'id="exhibits"' in page
    assert '<mark class="missed">cat<small>thing</small></mark>' in page
    assert "Class by class" in page


def test_transformers_opens_it_and_gives_the_same_logits(run: Run) -> None:
    network = AutoModelForTokenClassification.from_pretrained(run.path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    model = load_bundle(run.path)
    assert tuple(network.config.id2label.values()) == model.labels
    for text in ("the dog sat on max quill and a film", "zoe"):
        inputs = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            torch.testing.assert_close(network(**inputs).logits, model.torch(**inputs))
        (prediction,) = model.predict([text])
        at_words = [place for place, word in enumerate(inputs.word_ids()) if word is not None]
        firsts = [place for place in at_words if inputs.word_ids()[place - 1] != inputs.word_ids()[place]]
        said = network(**inputs).logits[0, firsts].argmax(dim=1)
        assert prediction.tags == tuple(network.config.id2label[int(tag)] for tag in said)


def test_texts_and_words_are_predicted_with_characters(run: Run) -> None:
    model = load_bundle(run.path)
    text = "the dog looked at  max quill, and sat"
    of_text, of_words = model.predict([text, ["the", "dog", "looked", "at", "zoe"]])
    (entity,) = of_text.entities
    assert text[entity.start : entity.stop] == entity.text == "max quill"
    assert 0.5 < entity.score <= 1
    assert [entity.text for entity in of_words.entities] == ["zoe"]
    assert len(of_words.tags) == 5


def test_an_answer_does_not_depend_on_the_neighbours(run: Run) -> None:
    model = load_bundle(run.path)
    texts = [" ".join(words) for words, _ in sentences(20, 5)]
    together = model.predict(texts)
    assert [model.predict([text])[0] for text in texts] == together


def test_a_table_of_words_is_predicted_row_by_row(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "new.jsonl"
    table.write_text('{"tokens": ["zoe", "sat"]}\n{"tokens": []}\n{"tokens": ["a", "film"]}\n')
    answers = dict(workflow.predict(run.path, [str(table)]))
    assert [answers[f"new.jsonl:{line}"].tags[-1] for line in (1, 3)] == ["O", "B-thing"]
    assert any(isinstance(answer, DataError) for answer in answers.values())


def test_other_data_is_judged_and_unknown_tags_are_named(run: Run, tmp_path: Path) -> None:
    write_lines(tmp_path / "more.jsonl", sentences(20, 7))
    scores = workflow.evaluate(run.path, tmp_path / "more.jsonl")
    assert scores.n == 20
    assert scores.metrics["f1"].value > 0.8
    write_lines(tmp_path / "odd.jsonl", [(["zoe", "sat"], ["B-animal", "O"])])
    with pytest.raises(DataError, match="'B-animal' is unknown"):
        workflow.evaluate(run.path, tmp_path / "odd.jsonl")


def test_with_and_without_kept_activations_it_comes_to_the_same(
    data: Path, checkpoint: str, tmp_path: Path
) -> None:
    results = {}
    for store in (True, False):
        run = fitted(
            data,
            checkpoint,
            tmp_path / str(store),
            **{
                "features.store": store,
                "technique.name": "two-phase",
                "technique.options": {"last": 1, "head_lr": 0.03},
                "train.epochs": 3,
                "train.patience": 0,
            },
        )
        stored = json.loads((run.path / "plan.json").read_text())["decisions"]["stored"]["value"]
        assert bool(stored[-1]) == store
        results[store] = {name: score["value"] for name, score in run.result["val"]["metrics"].items()}
    losses = {store: values.pop("log_loss") for store, values in results.items()}
    assert losses[True] == pytest.approx(losses[False], rel=0.02)
    # A word that is nearly even may turn out either way.
    assert results[True] == pytest.approx(results[False], abs=0.08)


def test_parts_of_speech_are_judged_by_the_words_that_are_right(checkpoint: str, tmp_path: Path) -> None:
    kinds = {word: "NOUN" if word in ("dog", "mat") else "OTHER" for word in PLAIN}
    rows = [
        ([*words], [kinds.get(word, "NAME") for word in words])
        for words, _ in sentences(80, 2)
    ]  # fmt: skip
    for _, tags in rows[:3]:
        tags[0] = "RARE"  # Of classes of texts, such a one would ask for another metric.
    write_lines(tmp_path / "speech.jsonl", rows)
    run = fitted(tmp_path / "speech.jsonl", checkpoint, tmp_path / "run", **{"train.epochs": 2})
    assert run.result["metric"] == "accuracy"
    assert set(run.result["test"]["metrics"]) == {"accuracy", "log_loss"}
    answer = load_bundle(run.path).predict(["the dog sat"])[0]
    assert answer.entities is None
    assert len(answer.tags) == 3


def test_a_file_of_conll_is_read_as_it_is(checkpoint: str, tmp_path: Path) -> None:
    blocks = ["\n".join(f"{word} {tag}" for word, tag in zip(*row, strict=True)) for row in sentences(60, 3)]
    (tmp_path / "names.conll").write_text("\n\n".join(blocks) + "\n")
    run = fitted(tmp_path / "names.conll", checkpoint, tmp_path / "run", **{"train.epochs": 1})
    assert run.result["task"] == "token-classification"
    assert run.result["data"]["train"] + run.result["data"]["val"] + run.result["data"]["test"] <= 60


def test_terminal_report_and_card_warn_of_a_network_that_no_step_has_taught(
    data: Path, checkpoint: str, tmp_path: Path
) -> None:
    run = fitted(data, checkpoint, tmp_path / "run", time_limit=0.1)
    shown = io.StringIO()
    show_scores(shown, run.result, ())
    said = " ".join(shown.getvalue().split())
    warning = "No step was trained: this model has learned nothing from the data. Give it more time."
    assert f"warning: {warning}" in said
    assert "Returned: the network as it was before training" in said
    card = (run.path / "model" / "README.md").read_text()
    assert f"**{warning}**" in card and "An untrained" in card
    assert warning in (run.path / "report.html").read_text()
