"""Examples to batches, in an order that is a function of (seed, epoch). Stores nothing random.

A position is one integer, the number of batches done, whatever the number of threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np

from headstart.contracts import Batch, Example, View
from headstart.data.prefetch import prefetch
from headstart.errors import DataError, HeadstartError

MakeView = Callable[[Example, int | None], View]
Collate = Callable[[Sequence[Example], Sequence[View]], Batch]

CORES = os.cpu_count() or 1


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

    def _made(self, examples: Sequence[Example], epoch: int | None, collate: Collate) -> Iterator[Batch]:
        """Batches in the order of the examples; views of the next ones are made meanwhile."""

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

        with closing(prefetch(made, examples, threads=self.threads, ahead=2 * self.batch_size)) as results:
            while rows := list(islice(results, self.batch_size)):
                yield collate([example for example, _ in rows], [view for _, view in rows])


@dataclass(frozen=True)
class TrainBatches(_Batches):
    """Training examples, shuffled anew each epoch; a short last batch is kept.

    Attributes:
        seed: of the order.
    """

    seed: int = field(kw_only=True)

    def order(self, epoch: int) -> list[Example]:
        """The examples as this epoch takes them."""
        return [self.examples[place] for place in shuffled(len(self.examples), self.seed, epoch)]

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the `start`-th on.

        Raises:
            DataError: an example has no view; the message names it.
        """
        return self._made(self.order(epoch)[start * self.batch_size :], epoch, self.collate)


@dataclass(frozen=True)
class EvaluationBatches(_Batches):
    """Examples in their order, in batches of one fixed size.

    The last batch is filled up with its last example; its ids name the real ones only.

    Attributes:
        epoch: whose augmented views are made; None is the evaluation form.
    """

    epoch: int | None = field(default=None, kw_only=True)

    def __iter__(self) -> Iterator[Batch]:
        padded = partial(collate_padded, collate=self.collate, batch_size=self.batch_size)
        return self._made(self.examples, self.epoch, padded)


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
