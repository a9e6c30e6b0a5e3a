"""Layers that do not change, run once for every view of an example; what they give is kept.

Knows no labels and no losses, and not how a network is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from headstart.contracts import Batch, Event, Progress, Rows
from headstart.features.engines.engine import Runner
from headstart.store.memory import AnyShelf
from headstart.store.shelf import Row

# The argument that a replayed network takes, and the name under which it lies on a shelf.
ACTIVATION = "activation"
MASK = "attention_mask"


def fill(
    shelf: AnyShelf,
    keys: Mapping[str, str],
    batches_of: Callable[[Collection[str]], Iterable[Batch]],
    runner: Runner,
    *,
    dtype: DTypeLike,
    inputs_too: bool,
    make_room: Callable[[int], None],
    notify: Callable[[Event], None],
) -> None:
    """Run the frozen layers for every key that a shelf lacks, and keep what they give there.

    Args:
        shelf: of this cut, model and kind of view.
        keys: of the examples' views, by example id.
        batches_of: the batches of the examples of some ids, of one fixed size.
        runner: the frozen layers.
        dtype: in which activations are kept.
        inputs_too: whether the layers behind ask for token ids and masks, which are then kept beside.
        make_room: told the bytes that all of them will take, before the first is kept; raises where
            there is no room.
        notify: told of the progress.
    """
    ids = list(keys)
    missing = [ids[place] for place in shelf.missing(list(keys.values()))]
    if not missing:
        return
    done = 0
    with shelf.writing() as writer:
        for batch, activations in _run(runner, batches_of(missing)):
            rows = [
                _row(batch.inputs, activations, place, dtype, inputs_too=inputs_too)
                for place in range(len(batch))
            ]
            if not done:
                make_room(len(missing) * sum(values.nbytes for values in rows[0].values()))
            for id, row in zip(batch.ids, rows, strict=True):
                writer.add(keys[id], row)
            done += len(batch)
            notify(Progress(step=0, what="features", done=done, total=len(missing)))


def _run(runner: Runner, batches: Iterable[Batch]) -> Iterator[tuple[Batch, Tensor]]:
    """Every batch with its activations; the runner may be a few batches ahead."""
    ahead: deque[Batch] = deque()

    def inputs() -> Iterator[Mapping[str, Tensor]]:
        for batch in batches:
            ahead.append(batch)
            yield batch.inputs

    for activations in runner.map(inputs()):
        yield ahead.popleft(), activations.cpu()


def _row(
    inputs: Mapping[str, Tensor], activations: Tensor, place: int, dtype: DTypeLike, *, inputs_too: bool
) -> Row:
    """One example without its padding; what is small of its inputs stays beside its activation."""
    small = {name: values[place] for name, values in inputs.items() if not values.is_floating_point()}
    activation = activations[place]
    if MASK in small and activation.ndim > 1 and len(activation) == len(small[MASK]):
        length = int(small[MASK].sum())
        activation, small = activation[:length], {name: value[:length] for name, value in small.items()}
    row = {name: value.numpy() for name, value in small.items() if inputs_too}
    return {ACTIVATION: _narrowed(activation.numpy(), dtype), **row}


def _narrowed(values: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """The values in a type of fewer bits; finite ones stay finite."""
    limit = np.finfo(dtype).max
    within = np.where(np.isfinite(values), values.clip(-limit, limit), values)
    return within.astype(dtype)


class Activations:
    """What a shelf has of some examples, as inputs of a network that is entered at the cut.

    Args:
        shelf: with a row for each key.
        keys: of the examples' views, in their order.
    """

    def __init__(self, shelf: AnyShelf, keys: Sequence[str]) -> None:
        self._shelf = shelf
        self._keys = keys
        # Rows of texts have their own lengths, and, but for the head, their token ids beside the activation.
        self._rows: Rows | None = None
        if set(shelf.row(keys[0])) == {ACTIVATION}:
            with suppress(ValueError):
                self._rows = shelf.rows(ACTIVATION, keys)

    @property
    def rows(self) -> Rows:
        """The activations (N, ...), where all have one shape.

        Raises:
            ValueError: they have not.
        """
        if self._rows is None:
            raise ValueError("activations of texts have no one shape")
        return self._rows

    def inputs(self, places: Sequence[int]) -> dict[str, Tensor]:
        """The inputs of a batch: float32 activations (B, ...), and token ids and masks where there are.

        Args:
            places: of the examples.
        """
        if self._rows is not None:
            return {ACTIVATION: torch.from_numpy(self._rows[places]).float()}
        rows = [self._shelf.row(self._keys[place]) for place in places]
        return {name: _padded([row[name] for row in rows]) for name in rows[0]}


def _padded(values: Sequence[np.ndarray]) -> Tensor:
    """Arrays of different lengths as one tensor, zeros behind the shorter ones."""
    tensors = [torch.from_numpy(np.array(value)) for value in values]
    padded = pad_sequence(tensors, batch_first=True)
    return padded.float() if padded.is_floating_point() else padded
