"""Answers to questions: what is learned in which window, what is said, and how the two are scored."""

from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.contracts import Answer, Batch, Example, Head, Objective
from headstart.data.batches import EvaluationBatches, TrainBatches
from headstart.errors import ConfigError, DataError
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.modalities.text.windows import Windows, WindowsModality
from headstart.tasks.answers_shown import Asked, exhibits_of
from headstart.tasks.question_answering import QuestionAnswering
from headstart.tasks.spans import KEPT, LONGEST, Spans, answer_places, best_spans

SAMPLE = Path(__file__).parents[1] / "samples" / "question_answering.py"
SPEC = importlib.util.spec_from_file_location("sample_questions", SAMPLE)
sample = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sample)

EXAMPLES = sample.examples(Path())
TASK = QuestionAnswering.from_examples(EXAMPLES, {})
SURE = QuestionAnswering()
CONTEXT = "ann is in oslo. bob is in new york."


def modality(longest: int = 20, seed: int = 0) -> WindowsModality:
    return WindowsModality(sample.backbone(max_length=longest).preprocessing, None, seed)


def batch_of(examples: list[Example], *, epoch: int | None = None, longest: int = 20) -> Batch:
    made = modality(longest)
    return TASK.collate(examples, [made.view(example, epoch) for example in examples])


def network() -> nn.Module:
    torch.manual_seed(0)
    return TASK.build(sample.backbone(), Head()).eval()


def windows_of(*rows: list[tuple[int, int]]) -> Windows:
    """Windows with a special token first; each with these tokens of the context."""
    places = np.array([place for row in rows for place in [(-1, -1), *row]])
    lengths = np.array([len(row) + 1 for row in rows])
    return Windows(lengths, places[:, 0], places[:, 1])


def spans(*found: tuple[int, int, float], none: float = 0.0, loss: float = 1.0) -> Spans:
    return Spans(
        np.array([place[:2] for place in found], dtype=np.int64).reshape(-1, 2),
        np.array([place[2] for place in found], dtype=np.float32),
        none,
        loss,
    )


# What it is made from


def test_that_there_may_be_no_answer_is_learned_from_the_data() -> None:
    assert TASK.may_be_unanswerable
    answered = [example for example in EXAMPLES if example.target]
    assert not QuestionAnswering.from_examples(answered, {}).may_be_unanswerable
    assert QuestionAnswering.from_examples(answered, {"metric": "exact_match"}).metric == "exact_match"


def test_questions_that_nothing_answers_are_refused() -> None:
    with pytest.raises(DataError, match="None of the 3 questions has an answer"):
        QuestionAnswering.from_examples([replace(example, target=()) for example in EXAMPLES[:3]], {})


@pytest.mark.parametrize("options", [{"metric": "accuracy"}, {"multi_label": True}], ids=str)
def test_unknown_options_and_metrics_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        QuestionAnswering.from_examples(EXAMPLES, options)
    assert refused.value.remedy


@pytest.mark.parametrize("target", [None, "oslo", ("oslo",)], ids=repr)
def test_an_example_without_answers_is_refused_with_its_place(target: Any) -> None:
    with pytest.raises(DataError, match="row 7: has no answers"):
        TASK.encode(Example("1", ("where?", CONTEXT), target, origin="row 7"))


def test_a_head_that_normalises_over_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_norm"):
        TASK.build(sample.backbone(), Head(hidden=(4,), batch_norm=True))


# Where an answer is


def test_the_tokens_of_an_answer_are_found_in_every_window_that_holds_it() -> None:
    windows = windows_of([(0, 3), (4, 6), (7, 9)], [(7, 9), (10, 14)], [(10, 14), (14, 15)])
    places = answer_places(windows, Answer("oslo", 10)).tolist()
    assert places == [[0, 0], [2, 2], [1, 1]]
    assert answer_places(windows, Answer("is in", 4)).tolist() == [[2, 3], [0, 0], [0, 0]]
    assert answer_places(windows, None).tolist() == [[0, 0]] * 3


def test_an_answer_within_a_token_is_that_token() -> None:
    assert answer_places(windows_of([(0, 3), (4, 12)]), Answer("1990", 6)).tolist() == [[2, 2]]


def test_an_answer_that_no_window_holds_whole_is_in_that_with_most_of_it() -> None:
    windows = windows_of([(0, 1), (2, 3), (4, 5)], [(4, 5), (6, 7)])
    assert answer_places(windows, Answer("bcd", 2)).tolist() == [[2, 3], [0, 0]]


# What is trained on


def test_in_training_each_example_shows_one_window_and_in_evaluation_all() -> None:
    counts = [len(modality().view(example, None).geometry) for example in EXAMPLES]
    assert max(counts) > 2 and min(counts) == 1
    whole, drawn = batch_of(EXAMPLES), batch_of(EXAMPLES, epoch=0)
    for values in whole.inputs.values():
        assert values.shape[:2] == (len(EXAMPLES), max(counts))
    for values in drawn.inputs.values():
        assert values.shape[:2] == (len(EXAMPLES), 1)
    assert [len(windows) for windows in whole.geometry] == counts
    real = (whole.targets["places"][..., 0] >= 0).sum(1).tolist()
    assert real == counts


def test_half_of_the_draws_are_of_windows_with_the_answer_and_the_rest_of_any() -> None:
    example = EXAMPLES[4]
    held = answer_places(modality().view(example, None).geometry, example.target[0])[:, 1] > 0
    share = held.mean()
    assert 0 < share < 0.5
    drawn = [batch_of([example], epoch=epoch).targets["places"][0, 0, 1] > 0 for epoch in range(200)]
    assert np.mean(drawn) == pytest.approx(0.5 + share / 2, abs=0.1)
    shown = {tuple(batch_of([example], epoch=epoch).geometry[0].starts.tolist()) for epoch in range(200)}
    assert len(shown) == len(held)


def test_the_target_of_a_window_is_where_the_answer_stands_in_it() -> None:
    for epoch in range(6):
        batch = batch_of(EXAMPLES, epoch=epoch)
        for example, windows, places in zip(
            EXAMPLES, batch.geometry, batch.targets["places"][:, 0].tolist(), strict=True
        ):
            first, last = places
            if first:
                start, stop = windows.starts[first], windows.stops[last]
                assert example.input[1][start:stop] == example.target[0].text


def test_the_loss_is_the_cross_entropy_over_the_context_and_the_first_token() -> None:
    example, made = sample.asked(0, people=1), network()
    batch = batch_of([example], epoch=0)
    loss, outputs = TASK.loss(made, batch, Objective())
    assert outputs is None and loss.units == 1
    (windows,), (first, last) = batch.geometry, batch.targets["places"][0, 0].tolist()
    allowed = np.flatnonzero(np.append(True, windows.starts[1:] >= 0))
    logits = made(**{name: values[0] for name, values in batch.inputs.items()})[0, allowed]
    expected = [
        functional.cross_entropy(logits[:, side], torch.tensor(allowed.tolist().index(place)))
        for side, place in enumerate((first, last))
    ]
    torch.testing.assert_close(loss.total, torch.stack(expected).mean())


def test_a_batch_in_evaluation_form_has_the_mean_loss_of_its_windows() -> None:
    example = EXAMPLES[4]
    batch, made = batch_of([example]), network()
    whole, _ = TASK.loss(made, batch, Objective())
    (output,) = TASK.outputs(made, batch)
    assert output.loss == pytest.approx(whole.total.item(), rel=1e-5)
    each = []
    for window in range(len(batch.geometry[0])):
        one = replace(
            batch,
            inputs={name: values[:, window : window + 1] for name, values in batch.inputs.items()},
            targets={name: values[:, window : window + 1] for name, values in batch.targets.items()},
        )
        each.append(TASK.loss(made, one, Objective())[0].total.item())
    assert output.loss == pytest.approx(np.mean(each), rel=1e-5)


# What is said


class Recording(nn.Module):
    """A network that keeps the shapes it was asked for."""

    def __init__(self, within: nn.Module) -> None:
        super().__init__()
        self.within = within
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, **inputs: Tensor) -> Tensor:
        self.shapes.append(tuple(inputs["input_ids"].shape))
        logits: Tensor = self.within(**inputs)
        return logits


def test_evaluation_computes_one_number_of_rows_at_once_whatever_the_contexts() -> None:
    made = Recording(network())
    long = [sample.asked(number, people=6) for number in range(5)]
    batches = EvaluationBatches([*EXAMPLES, *long], modality().view, TASK.collate, batch_size=4, threads=1)
    compute_outputs(TASK, made, batches)
    assert {shape[0] for shape in made.shapes} == {4}


def test_alone_and_among_others_a_question_gets_the_same_answer_to_the_bit() -> None:
    made, view = network(), modality().view

    def said(examples: list[Example]) -> list[Spans]:
        batches = EvaluationBatches(examples, view, TASK.collate, batch_size=4, threads=1)
        return in_order(compute_outputs(TASK, made, batches), examples)

    for alone, among in zip([said([example])[0] for example in EXAMPLES], said(EXAMPLES), strict=True):
        np.testing.assert_array_equal(alone.places, among.places)
        np.testing.assert_array_equal(alone.scores, among.scores)
        assert (alone.none, alone.loss) == (among.none, among.loss)


def test_the_best_stretches_are_those_of_all_that_there_are() -> None:
    random = np.random.default_rng(0)
    rows = [[(2 * place, 2 * place + 1) for place in range(start, start + 40)] for start in (0, 30, 60)]
    windows = windows_of(*rows)
    logits = random.normal(size=(3, 44, 2)).astype(np.float32)
    every: dict[tuple[int, int], float] = {}
    for window, row in enumerate(rows):
        for first in range(len(row)):
            for last in range(first, min(first + LONGEST, len(row))):
                place = row[first][0], row[last][1]
                score = float(logits[window, first + 1, 0] + logits[window, last + 1, 1])
                every[place] = max(score, every.get(place, score))
    expected = sorted(every, key=lambda place: -every[place])[:KEPT]
    found = best_spans(logits, windows, loss=0.0)
    assert [tuple(place) for place in found.places.tolist()] == expected
    np.testing.assert_allclose(found.scores, [every[place] for place in expected], rtol=1e-6)
    assert found.none == pytest.approx(float(logits[:, 0].sum(1).min()))


def test_a_context_of_no_token_has_no_answer() -> None:
    found = best_spans(np.zeros((1, 4, 2), np.float32), windows_of([(-1, -1)]), loss=math.nan)
    said = SURE.decode(found, ("where?", "\x7f"))
    assert said.answer is None and said.score == 1


def test_an_answer_is_said_with_its_place_and_probability() -> None:
    said = SURE.decode(spans((10, 14, 3.0), (26, 34, 2.0), none=50.0), ("where?", CONTEXT))
    assert (said.answer, said.start, said.stop) == ("oslo", 10, 14)
    assert said.score == pytest.approx(1 / (1 + math.exp(-1)))
    assert said.cells() == {"answer": "oslo", "score": said.score}
    assert json.dumps(asdict(said))


def test_no_answer_is_said_where_it_is_likelier_and_training_data_had_such_questions() -> None:
    output = spans((10, 14, 3.0), none=4.0)
    assert SURE.decode(output, ("where?", CONTEXT)).answer == "oslo"
    said = replace(SURE, may_be_unanswerable=True).decode(output, ("where?", CONTEXT))
    assert (said.answer, said.start, said.stop) == (None, None, None)
    assert said.score == pytest.approx(1 / (1 + math.exp(-1)))


def test_scores_are_those_of_squad() -> None:
    answers = (Answer("new york", 26), Answer("york", 30))
    examples = [
        Example("1", ("where is bob?", CONTEXT), answers),
        Example("2", ("where is ann?", CONTEXT), (Answer("oslo", 10),)),
        Example("3", ("where is carl?", CONTEXT), ()),
    ]
    task = replace(SURE, may_be_unanswerable=True)
    outputs = [spans((23, 34, 3.0)), spans((10, 14, 3.0), loss=4.0), spans((10, 14, 1.0), none=2.0)]
    scorers = task.scorers(outputs, [task.encode(example) for example in examples])
    each = {name: scorer(np.eye(3)).tolist() for name, scorer in scorers.items()}
    assert each == {"f1": [0.8, 1, 1], "exact_match": [0, 1, 1], "loss": [1, 4, 1]}
    cells = task.cells(examples[0], outputs[0])
    assert (cells["true"], cells["predicted"], cells["f1"]) == ("new york|york", "in new york", 0.8)
    assert task.cells(examples[2], outputs[2]).keys() == cells.keys()


# What a report shows


def said_of(place: tuple[int, int] | None, *answers: Answer, score: float = 0.5, id: str = "1") -> Asked:
    return Asked(id, "where is bob?", CONTEXT, place, score, answers)


@pytest.mark.parametrize(
    ("place", "answers", "marks"),
    [
        ((26, 34), (Answer("new york", 26),), [(26, 34, "right")]),
        ((10, 14), (Answer("new york", 26),), [(10, 14, "wrong"), (26, 34, "missed")]),
        ((23, 30), (Answer("new york", 26),), [(23, 26, "wrong"), (26, 30, "right"), (30, 34, "missed")]),
        (None, (Answer("new york", 26),), [(26, 34, "missed")]),
        ((10, 14), (), [(10, 14, "wrong")]),
        (None, (), []),
    ],
    ids=["right", "elsewhere", "partly", "nothing said", "nothing true", "neither"],
)
def test_what_is_said_and_what_is_true_is_marked(
    place: Any, answers: tuple[Answer, ...], marks: list[tuple[int, int, str]]
) -> None:
    (shown,) = exhibits_of([said_of(place, *answers)]).shown
    question, context = shown.parts[:2]
    assert (question.text, context.text) == ("where is bob?", CONTEXT)
    assert [(mark.start, mark.stop, mark.kind) for mark in context.marks] == marks


def test_sure_mistakes_come_first() -> None:
    true = Answer("oslo", 10)
    said = [
        said_of((10, 14), true, score=0.9, id="right"),
        said_of((0, 3), true, score=0.2, id="unsure"),
        said_of((0, 3), true, score=0.8, id="sure"),
        said_of((10, 14), true, score=0.1, id="lucky"),
    ]
    found = exhibits_of(said)
    assert [shown.id for shown in found.shown] == ["sure", "unsure", "lucky", "right"]
    assert found.note.startswith("2 of 4 answers are no exact match")


# That it learns


def test_it_learns_to_answer_from_any_window_and_to_say_that_there_is_no_answer() -> None:
    """Of a name, what follows it; this takes a network that looks at neighbours."""

    class Neighbours(nn.Module):
        def __init__(self, vocabulary: int) -> None:
            super().__init__()
            self.embeddings = nn.Embedding(vocabulary, 16)
            layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
            self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.places = nn.Embedding(64, 16)

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            tokens = self.embeddings(input_ids) + self.places.weight[: input_ids.shape[1]]
            hidden: Tensor = self.layers(tokens, src_key_padding_mask=attention_mask == 0)
            return hidden

    torch.manual_seed(0)
    backbone = sample.backbone(max_length=24)
    vocabulary = len(backbone.preprocessing.tokenizer)
    made = TASK.build(replace(backbone, module=Neighbours(vocabulary), feature_size=16), Head())
    view = modality(24).view
    few = EXAMPLES[:8]
    batches = TrainBatches(few, view, TASK.collate, batch_size=8, seed=0, threads=1)
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-2)
    for epoch in range(80):
        for batch in batches.epoch(epoch):
            loss, _ = TASK.loss(made.train(), batch, Objective())
            optimiser.zero_grad()
            (loss.total / loss.units).backward()
            optimiser.step()
    evaluation = EvaluationBatches(few, view, TASK.collate, batch_size=4, threads=1)
    outputs = in_order(compute_outputs(TASK, made, evaluation), few)
    scorers = TASK.scorers(outputs, [TASK.encode(example) for example in few])
    assert scorers["exact_match"](np.ones((1, len(few))))[0] > 0.9
