"""Last layers that a checkpoint brings for the very task, and those that it has for another."""

from pathlib import Path

import pytest
import torch
from tiny_transformers import save_checkpoint
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from headstart.contracts import Backbone, Head
from headstart.sources.hf import HuggingFace
from headstart.tasks.question_answering import QuestionAnswering


def answering(folder: Path) -> Backbone:
    return HuggingFace().load(str(folder), task="question-answering")


def tuned(kind: str, folder: Path, auto: type, **settings: int) -> Path:
    """A checkpoint that was trained for a task: its last layer is among its weights."""
    save_checkpoint(kind, folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        auto.from_pretrained(folder, **settings).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_checkpoint_that_answers_already_goes_on_where_it_is(kind: str, tmp_path: Path) -> None:
    folder = tuned(kind, tmp_path, AutoModelForQuestionAnswering)
    network = QuestionAnswering().build(answering(folder), Head()).eval()
    theirs = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)("where was i ?", "i was at home", return_tensors="pt")
    if kind == "distilbert":
        inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        ours, said = network(**inputs), theirs(**inputs)
    torch.testing.assert_close(ours[..., 0], said.start_logits)
    torch.testing.assert_close(ours[..., 1], said.end_logits)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_one_that_was_trained_for_three_labels_gets_two_new_outputs(kind: str, tmp_path: Path) -> None:
    folder = tuned(kind, tmp_path, AutoModelForSequenceClassification, num_labels=3)
    backbone = answering(folder)
    assert backbone.new_head and backbone.last_layer is None
    assert backbone.blueprint["config"].get("num_labels", 2) == 2
    assert len(backbone.blueprint["config"].get("id2label", "ab")) == 2


def test_a_head_with_hidden_layers_begins_anew(tmp_path: Path) -> None:
    backbone = answering(tuned("bert", tmp_path, AutoModelForQuestionAnswering))
    network = QuestionAnswering().build(backbone, Head(hidden=(8,)))
    assert [layer.out_features for layer in network.head if isinstance(layer, torch.nn.Linear)] == [8, 2]
