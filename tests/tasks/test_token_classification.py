"""Tags of words: what is learned, scored and said, also of texts that are cut."""

from __future__ import annotations

import importlib.util
import json
import math
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from headstart.contracts import Backbone, Batch, Example, Head, Objective, Words
from headstart.errors import ConfigError, DataError
from headstart.modalities.text.words import WordsModality
from headstart.tasks.tagged import Tagged, tells_entities
from headstart.tasks.token_classification import IGNORED, TokenClassification

SAMPLE = Path(__file__).parents[1] / "samples" / "token_classification.py"
SPEC = importlib.util.spec_from_file_location("sample_tokens", SAMPLE)
sample = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sample)

EXAMPLES = sample.examples(Path())
TASK = TokenClassification.from_examples(EXAMPLES, {})
SPEECH = [
    Example("1", Words.joined(["dogs", "bark"]), ("NOUN", "VERB")),
    Example("2", Words.joined(["old", "dogs", "sleep"]), ("ADJ", "NOUN", "VERB")),
]


def tagged(words: str, tags: str) -> Example:
    return Example(words, Words.joined(words.split()), tuple(tags.split()), origin="row 7")


def logits_of(task: TokenClassification, tags: str, sure: float = 9.0) -> np.ndarray:
    """An output that says these tags; a dash stands for a word without a token."""
    rows = np.zeros((len(tags.split()), len(task.labels)), dtype=np.float32)
    for row, tag in zip(rows, tags.split(), strict=True):
        if tag == "-":
            row[:] = -np.inf
        else:
            row[task.labels.index(tag)] = sure
    return rows


def ready(task: TokenClassification, examples: list[Example], *, longest: int = 32) -> tuple[Any, Batch]:
    """A network in evaluation mode, and the examples as its batch."""
    backbone: Backbone = sample.backbone(max_length=longest)
    modality = WordsModality(backbone.preprocessing, None, 0)
    torch.manual_seed(0)
    network = task.build(backbone, Head()).eval()
    return network, task.collate(examples, [modality.view(example, None) for example in examples])


def values(task: TokenClassification, outputs: list[np.ndarray], examples: list[Example]) -> dict[str, float]:
    scorers = task.scorers(outputs, [task.encode(example) for example in examples])
    return {name: float(scorer(np.ones((1, len(examples))))[0]) for name, scorer in scorers.items()}


# What is learned from


def test_tags_are_found_in_the_examples_and_sorted() -> None:
    assert TASK.labels == ("B-person", "B-place", "I-person", "I-place", "O")
    assert TASK.output_names == TASK.labels
    assert TASK.metric == TASK.watched == "f1"
    example = EXAMPLES[1]
    assert tuple(TASK.labels[place] for place in TASK.encode(example)) == example.target


def test_a_tag_that_training_has_not_seen_is_named_with_its_row_and_the_nearest() -> None:
    with pytest.raises(DataError, match=r"row 7: unknown label 'B-persn'\. Did you mean 'B-person'\?"):
        TASK.encode(tagged("ann slept", "B-persn O"))


def test_words_and_tags_must_be_as_many() -> None:
    with pytest.raises(DataError, match="row 7: 2 words, but 1 tags"):
        TASK.encode(tagged("ann slept", "O"))


def test_one_tag_for_all_words_cannot_be_learned() -> None:
    with pytest.raises(DataError, match="All words of the 1 training examples have the tag 'O'"):
        TokenClassification.from_examples([tagged("ann slept", "O O")], {})
    with pytest.raises(DataError, match="row 7: has no label"):
        TokenClassification.from_examples([replace(EXAMPLES[0], target=None, origin="row 7")], {})


def test_options_that_cannot_be_are_refused_and_the_metric_may_be_asked_for() -> None:
    assert TokenClassification.from_examples(EXAMPLES, {"metric": "recall"}).metric == "recall"
    with pytest.raises(ConfigError, match=r"unknown metric 'f2'\. There are: f1, precision"):
        TokenClassification.from_examples(EXAMPLES, {"metric": "f2"})
    with pytest.raises(ConfigError, match="multi_label: unknown option"):
        TokenClassification.from_examples(EXAMPLES, {"multi_label": True})
    with pytest.raises(ConfigError, match="unknown metric 'f1'"):
        TokenClassification.from_examples(SPEECH, {"metric": "f1"})


def test_tags_of_entities_are_told_from_others() -> None:
    assert tells_entities(["O", "person"])
    assert tells_entities(["B-person", "I-person"])
    assert not tells_entities(["NOUN", "VERB", "B", "pre-verb"])
    assert TokenClassification.from_examples(SPEECH, {}).metric == "accuracy"


def test_class_weights_have_mean_one_over_words() -> None:
    weights = TASK.class_weights(EXAMPLES)
    words = [tag for example in EXAMPLES for tag in example.target]
    assert np.mean([weights[TASK.labels.index(tag)] for tag in words]) == pytest.approx(1)
    sums = [weights[place] * words.count(label) for place, label in enumerate(TASK.labels)]
    assert np.ptp(sums) < 1e-9


def test_a_head_that_would_mix_texts_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_norm"):
        TASK.build(sample.backbone(), Head(hidden=(4,), batch_norm=True))
    assert TASK.build(sample.backbone(), Head(hidden=(4,), dropout=0.1))


# The loss


@pytest.mark.parametrize("objective", [Objective(), Objective(0.1), Objective(0.1, 0, (1, 2, 0.5, 3, 0.2))])
def test_the_loss_is_torchs_over_the_first_tokens_of_words(objective: Objective) -> None:
    network, batch = ready(TASK, EXAMPLES)
    loss, outputs = TASK.loss(network, batch, objective)
    logits = network(**batch.inputs)
    at = batch.geometry >= 0
    expected = functional.cross_entropy(
        logits[at],
        torch.tensor([TASK.labels.index(tag) for example in EXAMPLES for tag in example.target]),
        weight=torch.tensor(objective.class_weights) if objective.class_weights else None,
        label_smoothing=objective.label_smoothing,
        reduction="sum",
    )
    torch.testing.assert_close(loss.total, expected)
    assert loss.units == sum(len(example.target) for example in EXAMPLES)
    assert outputs is None
    assert (batch.targets == IGNORED).eq(~at).all()


def test_accumulating_small_batches_gives_the_gradient_of_one_large() -> None:
    network, batch = ready(TASK, EXAMPLES)

    def gradient(pieces: list[Batch]) -> list[torch.Tensor]:
        network.zero_grad()
        losses = [TASK.loss(network, piece, Objective())[0] for piece in pieces]
        (sum(loss.total for loss in losses) / sum(loss.units for loss in losses)).backward()
        return [parameter.grad.clone() for parameter in network.parameters()]

    for one, other in zip(gradient([batch]), gradient([batch.piece(0, 4), batch.piece(4, 15)]), strict=True):
        torch.testing.assert_close(one, other)


def test_a_batch_that_is_filled_up_less_has_the_same_loss_and_outputs() -> None:
    network, batch = ready(TASK, EXAMPLES[:3])
    longest = int(batch.inputs["attention_mask"].sum(dim=1).max())
    assert longest < batch.geometry.shape[1]
    kept = replace(batch, inputs={name: values[:, :longest] for name, values in batch.inputs.items()})
    one, other = (TASK.loss(network, each, Objective())[0] for each in (batch, kept))
    torch.testing.assert_close(one.total, other.total)
    assert one.units == other.units
    for row, again in zip(TASK.outputs(network, batch), TASK.outputs(network, kept), strict=True):
        np.testing.assert_allclose(row, again, atol=1e-6)


# Texts that are cut, and words without a token


def test_words_that_are_cut_off_have_no_loss_and_are_said_to_be_outside() -> None:
    long = tagged(" ".join(["we", "saw", "oslo"] * 10), " ".join(["O", "O", "B-place"] * 10))
    network, batch = ready(TASK, [long], longest=8)
    loss, _ = TASK.loss(network, batch, Objective())
    assert loss.units == 6  # [CLS] and [SEP] take two of the eight
    (output,) = TASK.outputs(network, batch)
    assert output.shape == (6, len(TASK.labels))
    said = TASK.decode(logits_of(TASK, "O O B-place O O B-place"), long.input)
    assert said.tags[6:] == ("O",) * 24
    assert [entity.text for entity in said.entities] == ["oslo", "oslo"]
    scores = values(TASK, [logits_of(TASK, "O O B-place O O B-place")], [long])
    assert scores["recall"] == pytest.approx(2 / 10)
    assert scores["precision"] == 1
    assert scores["accuracy"] == pytest.approx(22 / 30)
    assert scores["log_loss"] == pytest.approx(loss_of(9.0, len(TASK.labels)))


def loss_of(sure: float, labels: int) -> float:
    """Of a word whose true tag has this logit, and all others have 0."""
    return math.log(math.exp(sure) + labels - 1) - sure


def test_a_word_that_the_tokenizer_drops_is_outside_and_moves_no_other() -> None:
    example = tagged("we saw \u200b oslo", "O O O B-place")
    network, batch = ready(TASK, [example])
    (output,) = TASK.outputs(network, batch)
    assert output.shape == (4, len(TASK.labels))
    assert np.isinf(output[2]).all() and np.isfinite(output[[0, 1, 3]]).all()
    loss, _ = TASK.loss(network, batch, Objective())
    assert loss.units == 3
    said = TASK.decode(logits_of(TASK, "O O - B-place"), example.input)
    assert said.tags == ("O", "O", "O", "B-place")
    (entity,) = said.entities
    assert example.input.text[entity.start : entity.stop] == entity.text == "oslo"


def test_without_a_tag_for_outside_a_word_that_was_not_seen_is_wrong() -> None:
    task = TokenClassification.from_examples(SPEECH, {})
    scores = values(task, [logits_of(task, "ADJ NOUN")], [SPEECH[1]])
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert set(scores) == {"accuracy", "log_loss"}
    assert task.decode(logits_of(task, "ADJ NOUN"), SPEECH[1].input).tags == ("ADJ", "NOUN", "")


def test_a_network_that_has_gone_wrong_is_not_taken_for_a_word_that_was_not_seen() -> None:
    broken = logits_of(TASK, " ".join(EXAMPLES[0].target))
    broken[1] = np.nan
    assert math.isnan(values(TASK, [broken], EXAMPLES[:1])["log_loss"])


# Scores


def test_scores_are_those_of_seqeval() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seqeval = pytest.importorskip("seqeval.metrics")
        random = np.random.default_rng(0)
        said = [[str(tag) for tag in random.choice(TASK.labels, len(e.target))] for e in EXAMPLES]
        said[3] = list(EXAMPLES[3].target)
        true = [list(example.target) for example in EXAMPLES]
        expected = {
            "f1": seqeval.f1_score(true, said),
            "precision": seqeval.precision_score(true, said),
            "recall": seqeval.recall_score(true, said),
            "accuracy": seqeval.accuracy_score(true, said),
        }
    found = values(TASK, [logits_of(TASK, " ".join(tags)) for tags in said], EXAMPLES)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_log_loss_is_the_loss_that_is_trained() -> None:
    network, batch = ready(TASK, EXAMPLES)
    loss, _ = TASK.loss(network, batch, Objective())
    scores = values(TASK, TASK.outputs(network, batch), EXAMPLES)
    assert scores["log_loss"] == pytest.approx(float(loss.total.detach()) / loss.units, rel=1e-5)


def test_a_model_that_looks_at_no_input_finds_nothing() -> None:
    outputs = TASK.baseline([TASK.encode(example) for example in EXAMPLES], len(EXAMPLES))
    scores = values(TASK, outputs, EXAMPLES)
    assert scores["f1"] == scores["recall"] == 0
    tags = [tag for example in EXAMPLES for tag in example.target]
    assert scores["accuracy"] == pytest.approx(tags.count("O") / len(tags))
    shares = np.array([tags.count(label) for label in TASK.labels]) / len(tags)
    assert scores["log_loss"] == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-5)


# What is said


def test_entities_have_the_characters_of_the_text() -> None:
    text = "Yesterday, Bob Stone flew to New York."
    said = Words.within(text)
    assert said.words == ("Yesterday", ",", "Bob", "Stone", "flew", "to", "New", "York", ".")
    output = logits_of(TASK, "O O B-person I-person O O B-place I-place O")
    output[3, TASK.labels.index("O")] = 8.0
    prediction = TASK.decode(output, text)
    assert isinstance(prediction, Tagged)
    person, place = prediction.entities
    assert (person.start, person.stop, person.text, person.label) == (11, 20, "Bob Stone", "person")
    assert text[place.start : place.stop] == place.text == "New York"
    assert place.score == pytest.approx(math.exp(-loss_of(9.0, 5)))
    assert 0.5 < person.score < place.score
    assert prediction.cells() == {"entities": "person:Bob Stone; place:New York"}
    assert json.loads(json.dumps(asdict(prediction)))["entities"][0]["text"] == "Bob Stone"
    assert dict(zip(prediction.words, prediction.tags, strict=True))["York"] == "I-place"


def test_parts_of_speech_are_tags_and_no_entities() -> None:
    task = TokenClassification.from_examples(SPEECH, {})
    prediction = task.decode(logits_of(task, "NOUN VERB"), "dogs bark")
    assert prediction.entities is None
    assert prediction.cells() == {"tags": "NOUN VERB"}
    cells = task.cells(SPEECH[0], logits_of(task, "NOUN NOUN"))
    assert cells == {"true": "NOUN VERB", "predicted": "NOUN NOUN", "words": 2, "wrong_words": 1}


def test_a_row_of_predictions_has_what_is_true_and_what_is_said() -> None:
    example = tagged("ann saw new york", "B-person O B-place I-place")
    cells = TASK.cells(example, logits_of(TASK, "B-person O O B-place"))
    assert cells == {"true": "person:ann; place:new york", "predicted": "person:ann; place:york"} | {
        "words": 4,
        "wrong_words": 2,
    }


def test_a_report_shows_the_most_mistaken_first_and_marks_them() -> None:
    examples = [
        tagged("ann slept", "B-person O"),
        tagged("bob saw oslo", "B-person O B-place"),
        tagged("we saw new york", "O O B-place I-place"),
    ]
    said = ["B-person O", "O O O", "B-person O O B-place"]
    exhibits = TASK.exhibits(examples, [logits_of(TASK, tags) for tags in said], ask=None)
    assert [shown.id for shown in exhibits.shown] == ["we saw new york", "bob saw oslo"]
    first, second = exhibits.shown
    # What is said lies over what is true, so the text is shown twice.
    kinds = {part.name: [(m.start, m.stop, m.label, m.kind) for m in part.marks] for part in first.parts}
    assert kinds == {
        "said": [(0, 2, "person", "wrong"), (11, 15, "place", "wrong")],
        "true": [(7, 15, "place", "missed")],
    }
    (part,) = second.parts
    assert [(part.text[m.start : m.stop], m.kind) for m in part.marks] == [
        ("bob", "missed"),
        ("oslo", "missed"),
    ]
    rows = {row.label: row for row in exhibits.per_class}
    assert (rows["person"].precision, rows["person"].recall, rows["person"].support) == (0.5, 0.5, 2)
    assert rows["place"].recall == 0


def test_without_mistakes_a_report_shows_what_was_found() -> None:
    exhibits = TASK.exhibits(EXAMPLES[:2], [logits_of(TASK, " ".join(e.target)) for e in EXAMPLES[:2]], None)
    kinds = {mark.kind for shown in exhibits.shown for part in shown.parts for mark in part.marks}
    assert kinds == {"right"}


def test_of_parts_of_speech_a_report_has_scores_by_tag() -> None:
    task = TokenClassification.from_examples(SPEECH, {})
    outputs = [logits_of(task, "NOUN NOUN"), logits_of(task, "ADJ NOUN VERB")]
    exhibits = task.exhibits(SPEECH, outputs, None)
    rows = {row.label: (row.precision, row.recall, row.support) for row in exhibits.per_class}
    assert rows == {"ADJ": (1, 1, 1), "NOUN": (2 / 3, 1, 2), "VERB": (1, 0.5, 2)}
    (shown,) = exhibits.shown
    assert [part.name for part in shown.parts] == ["said", "true"]


def test_no_examples_score_nothing() -> None:
    assert all(np.isnan(scorer(np.ones((1, 0)))).all() for scorer in TASK.scorers([], []).values())


def test_views_without_a_target_make_a_batch_without_targets() -> None:
    _, batch = ready(TASK, [replace(example, target=None) for example in EXAMPLES])
    assert batch.targets is None
    assert batch.geometry is not None
    assert batch.piece(2, 5).geometry.shape[0] == 3
