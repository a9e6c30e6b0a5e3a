"""A label that nothing tells from the others is named, and a hard one is not."""

import numpy as np

from headstart.evaluation.indistinct import indistinct_labels


def probabilities(labels: np.ndarray, sure: np.ndarray, seed: int) -> np.ndarray:
    """Softmax of noise, to which what an example shows adds how sure that is.

    Those of a label that is not sure at all show any other.
    """
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(labels), len(sure)))
    others = random.choice(np.flatnonzero(sure), size=len(labels)) if sure.any() else labels
    shown = np.where(sure[labels] > 0, labels, others)
    logits[np.arange(len(labels)), shown] += sure[shown]
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


LABELS = np.repeat(np.arange(4), 30)


def test_a_label_without_meaning_is_named_and_no_other() -> None:
    hits = wrong = 0
    for seed in range(50):
        found = indistinct_labels(LABELS, probabilities(LABELS, np.array([3.0, 2.0, 0.0, 3.0]), seed))
        hits += any(one.label == 2 for one in found)
        wrong += any(one.label != 2 for one in found)
    assert hits >= 45
    assert wrong == 0


def test_hard_labels_are_not_named() -> None:
    found = [indistinct_labels(LABELS, probabilities(LABELS, np.full(4, 1.5), seed)) for seed in range(50)]
    assert not any(found)


def test_where_most_labels_are_so_the_model_is_blind_and_none_is_named() -> None:
    assert not indistinct_labels(LABELS, probabilities(LABELS, np.array([0.0, 0.0, 0.0, 3.0]), 0))


def test_two_labels_or_a_handful_of_examples_say_nothing() -> None:
    two = np.repeat([0, 1], 30)
    assert not indistinct_labels(two, probabilities(two, np.zeros(2), 0))
    few = np.repeat([0, 1, 2], [40, 40, 5])
    assert not indistinct_labels(few, probabilities(few, np.array([3.0, 3.0, 0.0]), 0))
