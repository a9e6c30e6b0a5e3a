"""Slices that are worse are found, and those that are not hardly ever."""

import numpy as np

from headstart.evaluation.slices import thirds, weakest_slices


def test_the_slice_that_is_worse_is_found_with_what_makes_it_so() -> None:
    right = np.array([True] * 95 + [False] * 5 + [True] * 12 + [False] * 18)
    site = np.arange(130) >= 100
    (found,) = weakest_slices(right, {"site: north": ~site, "site: south": site, "every": site | True})
    assert (found.name, found.count) == ("site: south", 30)
    assert (found.right, found.elsewhere) == (0.4, 0.95)
    assert found.chance < 1e-6


def test_slices_of_few_examples_or_hardly_worse_ones_are_passed_over() -> None:
    right = np.repeat([True, False], [900, 100])
    assert not weakest_slices(right, {"nine": np.arange(1000) >= 991})
    # Surely worse, by 4 points.
    right = np.repeat([True, False, True, False], [9900, 100, 9500, 500])
    assert not weakest_slices(right, {"half": np.arange(20000) >= 10000})


def test_where_none_is_worse_one_is_found_in_a_twentieth_of_cases() -> None:
    random = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        right = random.random(200) < 0.8
        found += bool(weakest_slices(right, {str(n): random.random(200) < 0.3 for n in range(12)}))
    assert found <= 30


def test_thirds_end_where_a_third_of_the_values_does() -> None:
    assert thirds(np.arange(1, 31)) == (11, 20)
    assert thirds(np.full(10, 224)) is None
