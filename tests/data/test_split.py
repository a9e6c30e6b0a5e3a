from collections import Counter

import numpy as np
import pytest

from headstart.config.schema import DataConfig
from headstart.contracts import Example
from headstart.data.dataset import Dataset
from headstart.data.split import split
from headstart.errors import ConfigError, DataError


def dataset(targets, splits=None):
    examples = tuple(Example(f"{row:05}", row, target) for row, target in enumerate(targets))
    return Dataset(examples, root="data", layout="table", splits=splits or {})


def classes(data, ids):
    targets = {example.id: example.target for example in data.examples}
    return Counter(targets[id] for id in ids)


def parts(splits):
    return {"train": set(splits.train), "val": set(splits.val), "test": set(splits.test)}


def test_every_example_is_in_one_split_and_shares_are_near_those_asked_for():
    data = dataset(["common"] * 700 + ["rare"] * 300)
    done = split(data, {}, DataConfig(val=0.2, test=0.1), seed=0)
    assert sorted(done.train + done.val + done.test) == [example.id for example in data.examples]
    assert classes(data, done.val) == {"common": 140, "rare": 60}
    assert classes(data, done.test) == {"common": 70, "rare": 30}


def test_shares_hold_over_many_small_classes():
    data = dataset([f"c{row % 100}" for row in range(1000)])
    done = split(data, {}, DataConfig(), seed=0)
    assert (len(done.train), len(done.val), len(done.test)) == (700, 150, 150)
    assert all(len(classes(data, ids)) == 100 for ids in (done.train, done.val, done.test))


def test_groups_are_never_divided():
    generator = np.random.default_rng(0)
    data = dataset(generator.choice(["a", "b", "c"], size=500).tolist())
    groups = {example.id: f"g{generator.integers(60)}" for example in data.examples}
    done = split(data, groups, DataConfig(), seed=1)
    sides = {name: {groups[id] for id in ids} for name, ids in parts(done).items()}
    assert not sides["train"] & sides["val"]
    assert not sides["train"] & sides["test"]
    assert not sides["val"] & sides["test"]
    assert 0.1 < len(done.test) / 500 < 0.2
    assert 0.1 < len(done.val) / 500 < 0.2


def test_a_few_more_examples_or_a_joined_group_hardly_change_the_split():
    before = split(dataset(["a", "b"] * 500), {}, DataConfig(), seed=0)
    more = split(dataset(["a", "b"] * 505), {}, DataConfig(), seed=0)
    joined = split(dataset(["a", "b"] * 500), {"00004": "00002"}, DataConfig(), seed=0)
    for after in (more, joined):
        for name, ids in parts(before).items():
            assert len(ids - parts(after)[name]) <= 10
    other = split(dataset(["a", "b"] * 500), {}, DataConfig(), seed=1)
    assert len(parts(before)["test"] & parts(other)["test"]) < 40


def test_the_split_is_a_function_of_seed_and_ids():
    data = dataset(["a", "b"] * 50)
    backwards = Dataset(data.examples[::-1], root="data", layout="table")
    first = split(data, {}, DataConfig(), seed=3)
    assert split(backwards, {}, DataConfig(), seed=3) == first
    assert split(data, {}, DataConfig(), seed=4) != first


@pytest.mark.parametrize("few", [1, 2, 3, 4, 5])
def test_a_rare_class_is_in_as_many_splits_as_it_can(few):
    data = dataset(["common"] * 40 + ["rare"] * few)
    done = split(data, {}, DataConfig(), seed=0)
    present = [classes(data, ids)["rare"] > 0 for ids in (done.train, done.val, done.test)]
    assert present == [True, few > 1, few > 2]


def test_several_labels_are_stratified_by_the_rarest():
    generator = np.random.default_rng(0)
    targets = [("sky",) if row % 10 else ("bird", "sky") for row in generator.permutation(300)]
    data = dataset(targets)
    done = split(data, {}, DataConfig(), seed=0)
    assert 4 <= classes(data, done.test)["bird", "sky"] <= 5
    assert 4 <= classes(data, done.val)["bird", "sky"] <= 5


def test_targets_that_are_no_labels_are_divided_too():
    done = split(dataset([None] * 100), {}, DataConfig(), seed=0)
    assert (len(done.train), len(done.val), len(done.test)) == (70, 15, 15)


@pytest.mark.parametrize("given", [("train",), ("train", "val"), ("train", "test"), ("train", "val", "test")])
def test_the_datas_own_splits_are_kept_and_the_lacking_ones_carved_out_of_train(given):
    data = dataset(["a", "b"] * 100)
    ids = [example.id for example in data.examples]
    own = dict(zip(given, np.array_split(ids, len(given)), strict=True))
    splits = {name: tuple(map(str, members)) for name, members in own.items()}
    done = split(dataset(["a", "b"] * 100, splits), {}, DataConfig(), seed=0)
    for name in ("val", "test"):
        if name in given:
            assert getattr(done, name) == splits[name]
        else:
            assert set(getattr(done, name)) < set(splits["train"])
            assert classes(data, getattr(done, name)).keys() == {"a", "b"}
    assert len({*done.train, *done.val, *done.test}) == 200


def test_leaks_between_the_datas_own_splits_are_left_out_of_train():
    splits = {
        "train": tuple(f"{row:05}" for row in range(10)),
        "val": tuple(f"{row:05}" for row in range(10, 14)),
        "test": tuple(f"{row:05}" for row in range(14, 18)),
    }
    groups = {"00000": "g", "00010": "g", "00014": "g", "00001": "h", "00011": "h"}
    done = split(dataset(["a", "b"] * 9, splits), groups, DataConfig(), seed=0)
    assert done.test == splits["test"]
    assert done.val == splits["val"][1:]
    assert done.train == splits["train"][2:]
    assert "3 examples left out" in done.reason


def test_what_cannot_be_divided_is_refused():
    with pytest.raises(ConfigError, match=r"must be less than 1 together. Got 0.6 \+ 0.4"):
        split(dataset(["a", "b"] * 9), {}, DataConfig(val=0.6, test=0.4), seed=0)
    with pytest.raises(DataError, match="nothing is left for test"):
        split(dataset(["a", "b"]), {}, DataConfig(), seed=0)
    with pytest.raises(DataError, match=r"nothing is left for .*train"):
        split(dataset(["a", "b"], {"test": ("00000", "00001")}), {}, DataConfig(), seed=0)
    with pytest.raises(DataError, match="train has no example of 'c', but test has"):
        own = {"train": ("00000", "00001"), "val": ("00002",), "test": ("00003",)}
        split(dataset(["a", "b", "a", "c"], own), {}, DataConfig(), seed=0)


def test_a_refusal_to_divide_counts_groups_and_tells_whose_splits_they_are():
    copies = dict.fromkeys((f"{row:05}" for row in range(20)), "00000")
    with pytest.raises(DataError, match=r"of 20 examples with 2 labels, in 1 groups.*copies"):
        split(dataset(["a", "b"] * 10), copies, DataConfig(), seed=0)
    own = {"test": tuple(f"{row:05}" for row in range(20))}
    with pytest.raises(DataError, match=r"for val and train of 20 .*the data's own splits"):
        split(dataset(["a", "b"] * 10, own), {}, DataConfig(), seed=0)
