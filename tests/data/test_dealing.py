"""Folds are of about one size, alike, and divide no group."""

import numpy as np

from headstart.data.folds import deal


def test_every_fold_has_its_share_of_every_stratum() -> None:
    strata = np.repeat([0, 1, 2], [50, 25, 10])
    folds = deal(strata, np.arange(85).astype(str), 5, seed=0)
    for stratum, count in enumerate((50, 25, 10)):
        assert np.bincount(folds[strata == stratum], minlength=5).tolist() == [count / 5] * 5


def test_members_of_a_group_are_in_one_fold() -> None:
    random = np.random.default_rng(0)
    strata = random.permutation(np.repeat([0, 1, 2], [240, 240, 120]))
    keys = random.integers(60, size=600).astype(str)
    folds = deal(strata, keys, 5, seed=1)
    assert all(len(set(folds[keys == key])) == 1 for key in keys)
    assert np.bincount(folds).min() > 90


def test_there_are_no_more_folds_than_groups_and_the_seed_draws_them() -> None:
    keys = np.array(["a", "b", "b", "c"])
    assert set(deal(np.zeros(4, dtype=np.int64), keys, 5, seed=0)) == {0, 1, 2}
    many = np.arange(40).astype(str)
    draws = [deal(np.zeros(40, dtype=np.int64), many, 5, seed=seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
