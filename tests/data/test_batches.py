import threading
from itertools import islice

import numpy as np
import pytest
import torch

from headstart.contracts import Batch, Example, View
from headstart.data.batches import EvaluationBatches, TrainBatches
from headstart.data.prefetch import prefetch
from headstart.errors import DataError

EXAMPLES = [Example(f"{row:03}", row, "x", origin=f"t.csv, line {row + 2}") for row in range(23)]


def view(example, epoch):
    return View(inputs={"x": torch.tensor([example.input, -1 if epoch is None else epoch])})


def collate(examples, views):
    inputs = {"x": torch.stack([view.inputs["x"] for view in views])}
    return Batch(inputs, [example.target for example in examples], tuple(example.id for example in examples))


def train(threads=2, seed=0, view=view):
    return TrainBatches(EXAMPLES, view, collate, batch_size=5, seed=seed, threads=threads)


def ids(batches):
    return [batch.ids for batch in batches]


def threads_of_prefetch():
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


def test_an_epoch_has_every_example_once_and_a_short_last_batch():
    batches = list(train().epoch(4))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert sorted(id for batch in batches for id in batch.ids) == [example.id for example in EXAMPLES]
    assert all((batch.inputs["x"][:, 1] == 4).all() for batch in batches)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_order_is_a_function_of_seed_and_epoch_whatever_the_threads(threads):
    assert ids(train(threads).epoch(1)) == ids(train().epoch(1))
    assert ids(train().epoch(1)) != ids(train().epoch(2))
    assert ids(train().epoch(1)) != ids(train(seed=1).epoch(1))


@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_starting_at_a_batch_equals_skipping_those_before(start):
    assert ids(train().epoch(1, start=start)) == ids(train().epoch(1))[start:]


def test_a_short_last_batch_counts():
    assert len(train()) == len(list(train().epoch(0))) == 5


def test_evaluation_pads_the_last_batch_and_names_the_real_examples_only():
    batches = list(EvaluationBatches(EXAMPLES, view, collate, batch_size=5, threads=2))
    assert [id for batch in batches for id in batch.ids] == [example.id for example in EXAMPLES]
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert all(batch.inputs["x"].shape == (5, 2) for batch in batches)
    assert batches[-1].inputs["x"].tolist() == [[20, -1], [21, -1], [22, -1], [22, -1], [22, -1]]


def test_no_examples_are_no_batches():
    assert not list(EvaluationBatches([], view, collate, batch_size=5, threads=2))


def test_a_foreign_error_in_a_view_names_its_example():
    def broken(example, epoch):
        return view(example, epoch) if example.input != 7 else 1 / 0

    with pytest.raises(DataError, match=r"t.csv, line 9: cannot be made ready: ZeroDivisionError"):
        list(train(view=broken).epoch(0))
    assert not threads_of_prefetch()


def test_an_abandoned_epoch_ends_its_threads():
    batches = train().epoch(0)
    next(batches)
    assert threads_of_prefetch()
    batches.close()
    assert not threads_of_prefetch()


def test_work_ahead_is_bounded():
    begun = []
    results = prefetch(begun.append, range(10_000), threads=2, ahead=8)
    list(islice(results, 3))
    results.close()
    assert 3 <= len(begun) <= 3 + 8


def test_results_come_in_order_though_done_in_any():
    waits = np.random.default_rng(0).random(40) * 0.002
    first = threading.Event()

    def slow(row):
        first.wait(waits[row])
        return row

    assert list(prefetch(slow, range(40), threads=4, ahead=8)) == list(range(40))
