"""Wrong labels are found, right ones are left alone."""

import numpy as np
import pytest

from headstart.evaluation.suspects import UNLIKELY, find_suspects
from headstart.features.probe import fit_probe, held_out_logits


def clouds(count: int, classes: int, seed: int, distance: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(classes, size=count)
    features = draw.normal(size=(count, 16)) + distance * np.eye(classes, 16)[labels]
    return features.astype(np.float32), labels


def probabilities(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    how = {"groups": [str(place) for place in range(len(labels))], "exclusive": True, "seed": 0}
    targets = np.eye(classes, dtype=np.float32)[labels]
    strength = fit_probe(features, targets, **how).strength
    logits = held_out_logits(features, targets, **how, strength=strength).astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 5])
def test_flipped_labels_are_found_with_the_label_that_they_had(classes: int) -> None:
    features, labels = clouds(600, classes, seed=classes)
    flipped = np.arange(0, 600, 20)
    noisy = labels.copy()
    noisy[flipped] = (labels[flipped] + 1) % classes
    found = find_suspects(noisy, probabilities(features, noisy, classes))
    hits = np.isin(found.places, flipped)
    assert hits.sum() >= 0.65 * len(flipped)
    assert hits.mean() >= 0.9
    assert (found.likely[hits] == labels[found.places[hits]]).mean() >= 0.95
    assert hits[: len(flipped) // 2].all()  # the likeliest first
    assert found.stand_out(600)


def test_where_labels_are_right_few_are_named() -> None:
    features, labels = clouds(600, 4, seed=1)
    assert len(find_suspects(labels, probabilities(features, labels, 4)).places) <= 6


@pytest.mark.parametrize("distance", [0.3, 1.0, 2.0])
def test_where_labels_are_hard_to_tell_and_right_none_stands_out(distance: float) -> None:
    features, labels = clouds(600, 3, seed=2, distance=distance)
    assert not find_suspects(labels, probabilities(features, labels, 3)).stand_out(600)


def test_no_suspect_is_likelier_as_what_it_is_and_a_label_without_examples_is_never_likely() -> None:
    draw = np.random.default_rng(3)
    shares = draw.dirichlet([0.3] * 4, size=300)
    labels = draw.integers(3, size=300)
    found = find_suspects(labels, shares)
    assert (found.own < UNLIKELY * found.probability).all()
    assert (found.likely != labels[found.places]).all()
    assert (found.likely < 3).all()
    assert np.array_equal(found.own, shares[found.places, labels[found.places]])


def test_members_of_a_group_say_nothing_of_each_other() -> None:
    # Twins have one label, drawn at random: only the other twin could tell it.
    draw = np.random.default_rng(4)
    features = np.repeat(draw.normal(size=(40, 100)), 2, axis=0).astype(np.float32)
    labels = np.repeat(draw.integers(2, size=40), 2)
    right = {}
    for name, groups in (("apart", np.arange(80)), ("together", np.arange(80) // 2)):
        logits = held_out_logits(
            features,
            np.eye(2, dtype=np.float32)[labels],
            groups=[str(group) for group in groups],
            exclusive=True,
            seed=0,
            strength=10.0,
        )
        right[name] = (logits.argmax(axis=1) == labels).mean()
    assert right["apart"] > 0.75 > 0.65 > right["together"]
