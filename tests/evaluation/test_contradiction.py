"""Labels that are swapped or shuffled are told from those that are merely hard."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.evaluation.contradiction import Contradiction, contradiction


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def found(
    said: np.ndarray, given: np.ndarray, sure: float = 0.95, groups: list[str] | None = None
) -> Contradiction | None:
    sets = ([frozenset({str(one)}) for one in each] for each in (said, given))
    names = groups or [str(place) for place in range(len(said))]
    return contradiction(*sets, sure=[sure] * len(said), groups=names)


def truths(count: int, share: float = 0.5) -> np.ndarray:
    return (np.arange(count) < share * count).astype(int)


def flipped(labels: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    return np.where(random.random(len(labels)) < share, 1 - labels, labels)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_swapped_labels_are_found_in_any_proportion(share: float, random: np.random.Generator) -> None:
    truth = truths(60, share)
    named = found(flipped(truth, 0.05, random), 1 - truth)
    assert named is not None and named.contradicted > 50


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_shuffled_labels_are_nearly_always_found(share: float, random: np.random.Generator) -> None:
    truth = truths(200, share)
    named = [found(flipped(truth, 0.05, random), random.permutation(truth)) for _ in range(40)]
    assert sum(one is not None for one in named) > 32
    told = next(one for one in named if one is not None)
    assert told.told("more.csv").startswith("Of 200 new examples, more.csv contradicts the champion on ")
    assert told.told("more.csv").endswith(
        f", and would by chance on {told.by_chance}: are its labels swapped or shuffled?"
    )


@pytest.mark.parametrize("wrong", [0.05, 0.2])
def test_examples_on_which_the_model_errs_are_no_contradiction(
    wrong: float, random: np.random.Generator
) -> None:
    truth = truths(100)
    assert not any(found(flipped(truth, wrong, random), truth) for _ in range(40))


def test_a_model_that_is_not_sure_is_not_contradicted_by_chance(random: np.random.Generator) -> None:
    # As those that it is least sure of are labelled first. One in twenty is.
    truth = truths(60)
    assert sum(found(flipped(truth, 0.45, random), truth, sure=0.55) is not None for _ in range(40)) <= 7


def test_examples_of_one_label_that_is_hard_say_nothing(random: np.random.Generator) -> None:
    truth = np.ones(100, dtype=int)
    assert found(flipped(truth, 0.7, random), truth) is None
    mostly = truths(100, 0.9)
    assert found(np.where(np.arange(100) < 60, 0, mostly), mostly) is None


def test_few_examples_and_few_groups_say_nothing() -> None:
    assert found(truths(18), 1 - truths(18)) is None
    groups = [str(place // 10) for place in range(100)]
    assert found(truths(100), 1 - truths(100), groups=groups) is None
