from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix

from headstart.contracts import Example
from headstart.evaluation.answers import Answers
from headstart.evaluation.confusion import class_scores, confusion, mistakes
from headstart.tasks.image_classification import ImageClassification


def answers(targets: list[object], logits: list[list[float]]) -> Answers:
    examples = [Example(id=str(row), input=None, target=target) for row, target in enumerate(targets)]
    task = ImageClassification.from_examples(examples, {})
    return Answers.read(task, np.array(logits), [task.encode(example) for example in examples])


PETS = answers(
    ["cat", "dog", "owl", "cat", "dog"],
    [[2, 0, 0], [3, 0, 1], [0, 0, 5], [0, 1, 0], [0, 9, 0]],
)
TAGS = answers([("sea", "sky"), ("sky",), (), ("hut",)], [[-1, 1, 1], [-1, 2, 2], [4, -4, -4], [1, -1, -1]])


def test_rows_are_true_labels_and_columns_predicted_ones() -> None:
    table = confusion(PETS)
    assert table is not None
    assert table.labels == ("cat", "dog", "owl")
    assert table.counts == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    expected = confusion_matrix(PETS.truth.argmax(axis=1), PETS.chosen.argmax(axis=1))
    assert table.counts == expected.tolist()


def test_several_labels_have_no_confusion_matrix() -> None:
    assert confusion(TAGS) is None


@pytest.mark.parametrize("given", [PETS, TAGS], ids=["one of many", "several"])
def test_the_scores_by_class_are_those_of_sklearns_report(given: Answers) -> None:
    report = classification_report(
        given.truth, given.chosen, target_names=given.labels, output_dict=True, zero_division=0
    )
    for row in class_scores(given):
        expected = report[row.label]
        assert row.precision == pytest.approx(expected["precision"])
        assert row.recall == pytest.approx(expected["recall"])
        assert row.f1 == pytest.approx(expected["f1-score"])
        assert row.support == expected["support"]


def test_the_surest_mistake_comes_first() -> None:
    first, second = mistakes(PETS, ["a", "b", "c", "d", "e"])
    assert (first.id, first.true, first.predicted) == ("b", "dog", "cat")
    assert (second.id, second.true, second.predicted) == ("d", "cat", "dog")
    assert first.probability == pytest.approx(np.exp(3) / (np.exp(3) + 1 + np.e))
    assert first.probability_of_true == pytest.approx(1 / (np.exp(3) + 1 + np.e))
    assert first.probability > second.probability


def test_of_several_labels_the_whole_answer_is_the_mistake() -> None:
    first, second = mistakes(TAGS, ["a", "b", "c", "d"])
    assert (first.id, first.true, first.predicted) == ("c", "(none)", "hut")
    assert (second.id, second.true, second.predicted) == ("b", "sky", "sea, sky")
    sure, rather = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-1))
    assert second.probability == pytest.approx(rather * sure * sure)
    assert second.probability_of_true == pytest.approx(rather * sure * (1 - sure))


def test_of_no_answers_there_is_nothing_to_say() -> None:
    none = replace(PETS, truth=PETS.truth[:0], chosen=PETS.chosen[:0], probabilities=PETS.probabilities[:0])
    table = confusion(none)
    assert table is not None
    assert np.sum(table.counts) == 0
    assert [row.support for row in class_scores(none)] == [0, 0, 0]
    assert mistakes(none, []) == []


def test_a_model_that_is_always_right_makes_no_mistake() -> None:
    assert mistakes(answers(["a", "b"], [[1, 0], [0, 1]]), ["0", "1"]) == []
