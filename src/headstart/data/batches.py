"""Examples to batches, in an order that is a function of (seed, epoch). Stores nothing random.

A position is one integer, the number of batches done, whatever the number of threads.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import islice

import numpy as np

from headstart.contracts import Batch, Example, View
from headstart.data.prefetch import prefetch
from headstart.errors import DataError, HeadstartError
from headstart.modalities.stacking import rung_of

MakeView = Callable[[Example, int | None], View]
Collate = Callable[[Sequence[Example], Sequence[View]], Batch]

CORES = os.cpu_count() or 1
# Batches whose examples are sorted by length together: enough to waste little, few enough to stay random.
POOL = 32


@dataclass(frozen=True)
class _Batches:
    """Examples, and what makes batches of them.

    Attributes:
        examples: those of a split, or those to predict.
        view: the modality's.
        collate: the task's.
        batch_size: examples a batch.
        threads: that make views.
    """

    examples: Sequence[Example]
    view: MakeView
    collate: Collate
    _: KW_ONLY
    batch_size: int
    threads: int = CORES

    def __len__(self) -> int:
        """Batches in one pass."""
        return math.ceil(len(self.examples) / self.batch_size)

    def _views(self, examples: Iterable[Example], epoch: int | None) -> Generator[tuple[Example, View]]:
        """Examples with their views, in order; those of the next ones are made meanwhile."""

        def made(example: Example) -> tuple[Example, View]:
            try:
                return example, self.view(example, epoch)
            except (HeadstartError, MemoryError):
                raise
            except Exception as error:
                raise DataError(
                    f"{example.origin or example.id}: cannot be made ready: {type(error).__name__}: {error}.",
                    "Remove or repair it.",
                ) from error

        return prefetch(made, examples, threads=self.threads, ahead=2 * self.batch_size)


@dataclass(frozen=True)
class TrainBatches(_Batches):
    """Training examples, shuffled anew each epoch; a short last batch is kept.

    Attributes:
        seed: of the order.
        lengths: of the examples, where they vary: those of about one length come together.
    """

    seed: int = field(kw_only=True)
    lengths: Sequence[int] | None = field(default=None, kw_only=True)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the `start`-th on.

        Raises:
            DataError: an example has no view; the message names it.
        """
        batches = arranged(len(self.examples), self.batch_size, self.seed, epoch, self.lengths)[start:]
        examples = (self.examples[place] for places in batches for place in places)
        with closing(self._views(examples, epoch)) as made:
            for places in batches:
                yield self.collate(*zip(*islice(made, len(places)), strict=True))


@dataclass(frozen=True)
class EvaluationBatches(_Batches):
    """Examples in batches of one fixed size, in their order; of varying length, those of one length together.

    A last batch is filled up with its last example; its ids name the real ones only.

    Attributes:
        epoch: whose augmented views are made; None is the evaluation form.
    """

    epoch: int | None = field(default=None, kw_only=True)

    def __iter__(self) -> Iterator[Batch]:
        waiting: defaultdict[int, list[tuple[Example, View]]] = defaultdict(list)
        with closing(self._views(self.examples, self.epoch)) as made:
            for example, view in made:
                alike = waiting[rung_of(view)]
                alike.append((example, view))
                if len(alike) == self.batch_size:
                    yield self._collated(alike)
                    alike.clear()
        for alike in waiting.values():
            if alike:
                yield self._collated(alike)

    def _collated(self, rows: Sequence[tuple[Example, View]]) -> Batch:
        examples, views = zip(*rows, strict=True)
        return collate_padded(examples, views, self.collate, batch_size=self.batch_size)


def arranged(
    count: int, batch_size: int, seed: int, epoch: int, lengths: Sequence[int] | None = None
) -> list[list[int]]:
    """The places 0 to `count` - 1 in the batches of an epoch: a function of the arguments alone.

    Args:
        count: of examples.
        batch_size: of each batch but one.
        seed, epoch: of the order.
        lengths: of the examples. Out of each `POOL` batches of a random order, examples of about
            one length share a batch, and the batches come in a random order again.
    """
    order = shuffled(count, seed, epoch)
    if lengths is not None:
        size = POOL * batch_size
        pools = (order[start : start + size] for start in range(0, count, size))
        order = [place for pool in pools for place in sorted(pool, key=lengths.__getitem__)]
    batches = [order[start : start + batch_size] for start in range(0, count, batch_size)]
    if lengths is None:
        return batches
    # The short one stays last.
    whole = count // batch_size
    turns = np.random.Generator(np.random.Philox(key=[seed, epoch], counter=1)).permutation(whole)
    return [batches[turn] for turn in turns.tolist()] + batches[whole:]


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The places 0 to `count` - 1 as an epoch takes them: a function of these three alone."""
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order: list[int] = generator.permutation(count).tolist()
    return order


def collate_padded(
    examples: Sequence[Example], views: Sequence[View], collate: Collate, *, batch_size: int
) -> Batch:
    """A batch of `batch_size`, filled up with its last example; its ids name the real ones only."""
    lacking = batch_size - len(examples)
    batch = collate([*examples, *[examples[-1]] * lacking], [*views, *[views[-1]] * lacking])
    return replace(batch, ids=batch.ids[: len(examples)])
