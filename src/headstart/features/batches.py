"""Batches of kept activations, in the order that batches of the inputs themselves would have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from headstart.contracts import Batch, Example, Task, View
from headstart.data.batches import MakeView, arranged
from headstart.features.frozen import Activations


@dataclass(frozen=True)
class _KeptBatches:
    """Examples whose activations are kept.

    Attributes:
        examples: of a split.
        task: encodes their targets.
        boundary: at which the activations enter the network.
        batch_size: examples a batch.
        view: of an example, for tasks whose targets lie at places of the input; None for others.
    """

    examples: Sequence[Example]
    task: Task
    _: KW_ONLY
    boundary: str
    batch_size: int
    view: MakeView | None = None

    def __len__(self) -> int:
        """Batches in one pass."""
        return math.ceil(len(self.examples) / self.batch_size)

    @cached_property
    def _targets(self) -> Any:
        """Of all examples: encoding them takes as long as reading their activations."""
        return self.task.collate(self.examples, [View({})] * len(self.examples)).targets

    def _batches(self, activations: Activations, batches: Iterable[Sequence[int]]) -> Iterator[Batch]:
        for places in batches:
            examples = [self.examples[place] for place in places]
            ids = tuple(example.id for example in examples)
            inputs = activations.inputs(places)
            if self.view is None:
                yield Batch(inputs, _at(self._targets, places), ids, self.boundary)
            else:
                views = [self.view(example, None) for example in examples]
                batch = self.task.collate(examples, views)
                yield replace(batch, inputs=inputs, boundary=self.boundary)


@dataclass(frozen=True)
class KeptTrainBatches(_KeptBatches):
    """Training examples, shuffled anew each epoch.

    Attributes:
        views: by epoch, the activations of the view that it takes of each example.
        seed: of the order.
        lengths: of the examples, where they vary.
    """

    views: Mapping[int, Activations]
    seed: int
    lengths: Sequence[int] | None = None

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the `start`-th on."""
        batches = arranged(len(self.examples), self.batch_size, self.seed, epoch, self.lengths)
        return self._batches(self.views[epoch], batches[start:])


@dataclass(frozen=True)
class KeptEvaluationBatches(_KeptBatches):
    """Examples in their order, without augmentation."""

    activations: Activations

    def __iter__(self) -> Iterator[Batch]:
        places = range(len(self.examples))
        return self._batches(
            self.activations, (places[start:][: self.batch_size] for start in places[:: self.batch_size])
        )


def _at(targets: Any, places: Sequence[int]) -> Any:
    """The targets of the examples at some places."""
    if isinstance(targets, Tensor):
        return targets.index_select(0, torch.tensor(places))
    if isinstance(targets, Mapping):
        return {name: _at(part, places) for name, part in targets.items()}
    return None if targets is None else type(targets)(targets[place] for place in places)
