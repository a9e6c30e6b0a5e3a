import threading
from itertools import islice

import numpy as np
import pytest
import torch

from headstart.contracts import Batch, Example, View
from headstart.data.batches import EvaluationBatches, TrainBatches, arranged
from headstart.data.prefetch import prefetch
from headstart.errors import DataError
from headstart.modalities.stacking import rung, stacked

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


# Examples of varying length

LENGTHS = [int(length) for length in np.random.default_rng(1).integers(1, 120, 203)]
TEXTS = [Example(f"{row:03}", length, "x") for row, length in enumerate(LENGTHS)]


def ragged_view(example, epoch):
    """As many tokens as the example says, each the number of the example."""
    return View(inputs={"x": torch.full((example.input,), int(example.id) + 1)}, padding={"x": -1})


def ragged_collate(examples, views):
    return Batch(stacked(views), None, tuple(example.id for example in examples))


def evaluated(examples, batch_size=8):
    return list(EvaluationBatches(examples, ragged_view, ragged_collate, batch_size=batch_size, threads=2))


def rows(batches):
    return {
        id: row.tolist() for batch in batches for id, row in zip(batch.ids, batch.inputs["x"], strict=False)
    }


def test_evaluation_of_varying_lengths_has_every_example_once_in_batches_of_one_size_and_rung():
    batches = evaluated(TEXTS)
    assert sorted(id for batch in batches for id in batch.ids) == [example.id for example in TEXTS]
    for batch in batches:
        assert len(batch.inputs["x"]) == 8
        assert {rung(LENGTHS[int(id)]) for id in batch.ids} == {batch.inputs["x"].shape[1]}
    # One batch of each rung may be short, whose rows behind the ids repeat its last example.
    short = [batch for batch in batches if len(batch) < 8]
    widths = [batch.inputs["x"].shape[1] for batch in short]
    assert len(set(widths)) == len(widths)
    for batch in short:
        assert all(
            torch.equal(row, batch.inputs["x"][len(batch) - 1]) for row in batch.inputs["x"][len(batch) :]
        )


def test_what_evaluation_makes_of_an_example_does_not_depend_on_the_others():
    together = rows(evaluated(TEXTS))
    backwards = rows(evaluated(TEXTS[::-1], batch_size=5))
    assert together == backwards
    for example in TEXTS[::20]:
        assert rows(evaluated([example])) == {example.id: together[example.id]}


def test_within_a_rung_evaluation_keeps_the_order():
    for batch in evaluated(TEXTS):
        assert list(batch.ids) == sorted(batch.ids)


def padded(batches):
    """Tokens that are computed, filling up included."""
    return sum(len(places) * rung(max(LENGTHS[place] for place in places)) for places in batches)


def test_arranged_by_length_every_place_comes_once_and_the_short_batch_last():
    batches = arranged(len(LENGTHS), 8, 0, 3, LENGTHS)
    assert sorted(place for places in batches for place in places) == list(range(len(LENGTHS)))
    assert [len(places) for places in batches] == [8] * 25 + [3]


def test_arranged_by_length_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return arranged(len(LENGTHS), 8, seed, epoch, LENGTHS)

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_arranged_by_length_little_is_filled_up_and_batches_come_in_any_order():
    batches = arranged(len(LENGTHS), 8, 0, 3, LENGTHS)
    shuffled = arranged(len(LENGTHS), 8, 0, 3)
    assert padded(batches) < 0.75 * padded(shuffled)
    assert padded(batches) < 1.2 * sum(map(rung, LENGTHS))
    means = [np.mean([LENGTHS[place] for place in places]) for places in batches[:-1]]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.5


def test_of_many_examples_batches_differ_from_epoch_to_epoch_in_their_members():
    lengths = np.random.default_rng(0).integers(1, 60, 4000).tolist()
    one, other = (
        {frozenset(places) for places in arranged(len(lengths), 8, 0, epoch, lengths)} for epoch in (0, 1)
    )
    assert len(one & other) < 5


def test_fewer_examples_than_a_batch_are_one_batch():
    assert arranged(0, 8, 0, 0, []) == []
    (batch,) = arranged(3, 8, 0, 0, [5, 1, 9])
    assert sorted(batch) == [0, 1, 2]


@pytest.mark.parametrize("start", [0, 1, 25, 26])
def test_starting_at_a_batch_equals_skipping_those_before_also_by_length(start):
    batches = TrainBatches(
        TEXTS, ragged_view, ragged_collate, batch_size=8, seed=5, lengths=LENGTHS, threads=2
    )
    every = list(batches.epoch(2))
    assert len(every) == len(batches) == 26
    assert sorted(id for batch in every for id in batch.ids) == [example.id for example in TEXTS]
    assert ids(batches.epoch(2, start=start)) == ids(every)[start:]
