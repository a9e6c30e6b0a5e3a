"""Batches of kept activations: the targets are those of `collate`, encoded once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.contracts import Batch, Example, View
from headstart.data.batches import shuffled
from headstart.features.batches import KeptEvaluationBatches, KeptTrainBatches
from headstart.features.frozen import ACTIVATION, Activations
from headstart.store.memory import MemoryShelf
from headstart.tasks.image_classification import ImageClassification

COUNT, SIZE = 11, 4
LABELS = ["ant", "bee", "wasp"]
EXAMPLES = [Example(str(number), Path(f"{number}.png"), LABELS[number % 3]) for number in range(COUNT)]


@dataclass
class Targets:
    """A task of which only `collate` is asked; it counts how often."""

    targets_of: Any
    asked: list[int] = field(default_factory=list)

    def collate(self, examples: list[Example], views: list[View]) -> Batch:
        self.asked.append(len(examples))
        return Batch({}, self.targets_of(examples), tuple(example.id for example in examples))


def as_tensor(examples: list[Example]) -> Any:
    return torch.tensor([[int(example.id), len(example.target)] for example in examples])


def as_tuple(examples: list[Example]) -> Any:
    return tuple(torch.arange(int(example.id)) for example in examples)


def as_mapping(examples: list[Example]) -> Any:
    return {"one": as_tensor(examples), "other": [example.target for example in examples]}


def nothing(examples: list[Example]) -> Any:
    return None


def activations() -> Activations:
    shelf, keys = MemoryShelf(), [example.id for example in EXAMPLES]
    with shelf.writing() as writer:
        for number, key in enumerate(keys):
            writer.add(key, {ACTIVATION: np.full(3, number, np.float16)})
    return Activations(shelf, keys)


def test_what_tokens_give_to_the_head_is_filled_up_to_the_longest():
    shelf, lengths = MemoryShelf(), {"short": 2, "long": 5}
    with shelf.writing() as writer:
        for key, length in lengths.items():
            writer.add(key, {ACTIVATION: np.full((length, 3), length, np.float16)})
    inputs = Activations(shelf, list(lengths)).inputs([1, 0])
    assert inputs.keys() == {ACTIVATION}
    assert inputs[ACTIVATION].shape == (2, 5, 3)
    assert inputs[ACTIVATION].dtype == torch.float32
    assert inputs[ACTIVATION][1].tolist() == [[2.0] * 3] * 2 + [[0.0] * 3] * 3


def train_batches(task: Any) -> KeptTrainBatches:
    return KeptTrainBatches(
        EXAMPLES, task, boundary="head", batch_size=SIZE, views=dict.fromkeys(range(4), activations()), seed=5
    )


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (tuple, list)):
        return type(one) is type(other) and all(map(same, one, other))
    return one == other


TASKS = [
    ImageClassification.from_examples(EXAMPLES, {}),
    *(Targets(kind) for kind in (as_tensor, as_tuple, as_mapping, nothing)),
]


@pytest.mark.parametrize("task", TASKS, ids=["labels", "tensor", "tuple", "mapping", "nothing"])
def test_targets_are_those_of_each_batch_collated(task):
    orders = {
        "train": (train_batches(task).epoch(3), shuffled(COUNT, 5, 3)),
        "resumed": (train_batches(task).epoch(3, start=2), shuffled(COUNT, 5, 3)[2 * SIZE :]),
        "evaluation": (
            KeptEvaluationBatches(
                EXAMPLES, task, boundary="head", batch_size=SIZE, activations=activations()
            ),
            list(range(COUNT)),
        ),
    }
    for batches, order in orders.values():
        starts = range(0, len(order), SIZE)
        for batch, start in zip(batches, starts, strict=True):
            places = order[start : start + SIZE]
            some = [EXAMPLES[place] for place in places]
            plain = task.collate(some, [View({})] * len(some))
            assert same(batch.targets, plain.targets)
            assert (batch.ids, batch.boundary) == (plain.ids, "head")
            assert batch.inputs[ACTIVATION][:, 0].tolist() == places


def test_targets_are_encoded_once_for_all_epochs():
    task = Targets(as_tensor)
    batches = train_batches(task)
    assert task.asked == []
    for epoch in range(3):
        assert len(list(batches.epoch(epoch))) == len(batches)
    assert task.asked == [COUNT]
