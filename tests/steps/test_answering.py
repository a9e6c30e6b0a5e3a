"""Questions on long contexts, end to end: from a table to a model that transformers opens, too."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from headstart.api import load as load_model
from headstart.artifact.result import Run
from headstart.artifact.run import RunFolder
from headstart.config.load import load
from headstart.contracts import Example
from headstart.workflow import evaluate, fit, predict

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

THINGS = ("cat", "dog", "film", "heart", "prize", "mat")
BETWEEN = "where were you last night ? i was at home and looked at the free one without a call back"


def write_questions(file: Path, count: int = 48) -> None:
    """A table of questions; every third context takes several windows, and every sixth has no answer."""
    random = np.random.default_rng(0)
    with file.open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["question", "context", "answer", "answer_start"])
        for number in range(count):
            one, other = random.choice(THINGS, 2, replace=False)
            words = [f"item {number} :", *random.permutation(BETWEEN.split())] * (5 if number % 3 == 0 else 1)
            words.insert(int(random.integers(1, len(words))), f"the {one} is with the warm {other}")
            context = " ".join(words)
            answer, start = f"warm {other}", context.index(f"warm {other}")
            if number % 6 == 5:
                table.writerow([f"where is call {number} ?", context, "", ""])
            else:
                table.writerow([f"what is the {one} with ?", context, answer, start])


@pytest.fixture(scope="module", params=["bert", "distilbert"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("questions")
    write_questions(folder / "questions.csv")
    checkpoint = save_checkpoint(request.param, folder / "checkpoint")
    given = {
        "data.path": str(folder / "questions.csv"),
        "task": "question-answering",
        "out": str(folder / "run"),
        "cache.path": str(folder / "cache"),
        "model.name": f"hf:{checkpoint}",
        "technique.name": "full",
        "train.epochs": 2,
        "device": "cpu",
    }
    return fit(load(None, given), stream=io.StringIO())


def test_a_table_of_questions_becomes_a_model_with_scores(run: Run) -> None:
    result = run.result
    assert result["task"] == "question-answering"
    assert set(result["test"]["metrics"]) == {"f1", "exact_match", "loss"}
    assert all(np.isfinite(score["value"]) for score in result["test"]["metrics"].values())
    assert result["baselines"] == {}
    rows = list(csv.DictReader(io.StringIO(RunFolder(run.path).test_predictions.read_text())))
    assert len(rows) == result["data"]["test"]
    assert rows[0].keys() == {"id", "question", "true", "predicted", "score", "start", "stop", "f1"}
    assert "Answers in their contexts" in RunFolder(run.path).report.read_text()


def test_what_is_measured_is_what_is_delivered(run: Run) -> None:
    scores = evaluate(run.path)
    stated = run.result["test"]["metrics"]
    assert {name: score.value for name, score in scores.metrics.items()} == {
        name: score["value"] for name, score in stated.items()
    }
    table = run.path.parent / "questions.csv"
    assert evaluate(run.path, table).n == 48


def test_transformers_opens_it_and_gives_the_same_logits(run: Run) -> None:
    network = AutoModelForQuestionAnswering.from_pretrained(run.path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    ours = load_model(run.path).torch
    inputs = tokenizer(
        [("what is the cat with ?", "the cat is with the warm dog"), ("where ?", BETWEEN)],
        padding=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        theirs, logits = network(**inputs), ours(**inputs)
    torch.testing.assert_close(logits[..., 0], theirs.start_logits)
    torch.testing.assert_close(logits[..., 1], theirs.end_logits)
    assert np.ptp(theirs.start_logits.numpy()) > 0.1


def test_python_and_the_command_line_answer_alike(run: Run, tmp_path: Path) -> None:
    pair = ("what is the cat with ?", f"{BETWEEN} the cat is with the warm dog " * 4)
    model = load_model(run.path)
    (alone,) = model.predict([pair])
    among = model.predict([("what is the film with ?", BETWEEN), pair])[1]
    assert alone == among
    assert 0 <= alone.score <= 1
    if alone.answer is not None:
        assert pair[1][alone.start : alone.stop] == alone.answer
    with (tmp_path / "new.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([("question", "context"), pair])
    ((_, answer),) = predict(run.path, [str(tmp_path / "new.csv")])
    assert answer == alone
    ((_, gone),) = predict(run.path, [str(tmp_path / "gone.csv")])
    assert "gone.csv: there is no such file" in str(gone)
    ((_, refused),) = predict(run.path, ["a text alone"])
    assert "a question and a context" in str(refused)
    assert model.outputs([Example("1", pair)])[0].loss != model.outputs([Example("1", pair)])[0].loss


def test_a_run_says_in_its_bundle_that_there_may_be_no_answer(run: Run) -> None:
    facts = json.loads((run.path / "model" / "bundle.json").read_text())
    assert facts["task"]["may_be_unanswerable"] is True
    assert facts["columns"] == ["question", "context"]
