"""What a module gives, without its values: enough to make a free stand-in of any batch and length.

Knows tensors and how they are nested; knows no modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

# Private by name, yet the only registry of nested outputs that transformers also writes to.
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

_PLAIN = (type(None), bool, int, float, str)


class Sizes(NamedTuple):
    """What the length of an axis may be a multiple of, in one call of a network."""

    one: int
    batch: int
    length: int
    tokens: int

    @classmethod
    def of(cls, batch: int, inputs: Mapping[str, Tensor]) -> Self:
        """Of a batch; its length is the second axis of the first (B, T) integers, such as token ids."""
        texts = (value for value in inputs.values() if not value.is_floating_point() and value.ndim > 1)
        text = next(texts, None)
        length = 1 if text is None else text.shape[1]
        return cls(1, batch, length, batch * length)

    def tell_apart(self, other: Sizes) -> bool:
        """Whether two calls show which of these an axis follows; a length of 1 is no length."""
        batch, length = Fraction(other.batch, self.batch), Fraction(other.length, self.length)
        return batch != 1 and (self.length == other.length == 1 or length not in (1, batch, 1 / batch))


# An axis: a factor, and the place in `Sizes` of what it multiplies.
Axis = tuple[int, int]
BATCH: Axis = (1, 1)


@dataclass(frozen=True)
class Form:
    """A tensor without values."""

    axes: tuple[Axis, ...]
    dtype: torch.dtype

    @classmethod
    def learned(cls, tensors: Sequence[Tensor], sizes: Sequence[Sizes]) -> Self | None:
        """From the tensor as two calls of differing sizes gave it; None where an axis follows neither."""
        first, second = tensors
        if first.ndim != second.ndim or first.dtype != second.dtype:
            return None
        axes = [_axis(lengths, sizes) for lengths in zip(first.shape, second.shape, strict=True)]
        known = tuple(axis for axis in axes if axis is not None)
        return cls(known, first.dtype) if len(known) == len(axes) else None

    def stand_in(self, sizes: Sizes, device: torch.device) -> Tensor:
        """Zeros that hold one number in memory, whatever their shape."""
        shape = [factor * sizes[unit] for factor, unit in self.axes]
        return torch.zeros((), dtype=self.dtype, device=device).expand(shape)


def _axis(lengths: tuple[int, int], sizes: Sequence[Sizes]) -> Axis | None:
    for unit, units in enumerate(zip(*sizes, strict=True)):
        factors = {divmod(length, size) for length, size in zip(lengths, units, strict=True)}
        if len(factors) == 1 and not (rest := factors.pop())[1]:
            return rest[0], unit
    return None


@dataclass(frozen=True)
class Output:
    """What a module gives: tensors and plain values, nested in tuples, mappings or a transformers' output."""

    structure: TreeSpec
    leaves: tuple[Any, ...]

    @classmethod
    def learned(cls, outputs: Sequence[Any], sizes: Sequence[Sizes]) -> Self | None:
        """From the outputs of two calls of differing sizes; None where no stand-in can be made."""
        (first, structure), (second, other) = map(tree_flatten, outputs)
        if structure != other:
            return None
        leaves: list[Any] = []
        for pair in zip(first, second, strict=True):
            if isinstance(pair[0], Tensor) and isinstance(pair[1], Tensor):
                form = Form.learned(pair, sizes)
                if form is None:
                    return None
                leaves.append(form)
            elif isinstance(pair[0], _PLAIN) and pair[0] == pair[1]:
                leaves.append(pair[0])
            else:
                return None
        return cls(structure, tuple(leaves))

    @property
    def per_example(self) -> bool:
        """Whether any of it has a batch axis."""
        forms = (leaf for leaf in self.leaves if isinstance(leaf, Form))
        return any(Sizes._fields[unit] in ("batch", "tokens") for form in forms for _, unit in form.axes)

    def stand_in(self, sizes: Sizes, device: torch.device) -> Any:
        """The same structure, of free tensors."""
        leaves = [leaf.stand_in(sizes, device) if isinstance(leaf, Form) else leaf for leaf in self.leaves]
        return tree_unflatten(leaves, self.structure)
