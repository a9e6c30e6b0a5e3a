"""Views side by side: stacked where all have one shape, else filled up to the longest. Knows no modality.

But in training, lengths are rounded up to a few rungs, so that what a text gives does not depend on which
texts of about its length are beside it, and engines meet few shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from headstart.contracts import View

# Up to a length, rungs lie so far apart; behind the last, as far as there.
_STEPS = ((64, 8), (128, 16), (256, 32))


def rung(length: int) -> int:
    """The length to which one is filled up: 13 to 16, 100 to 112."""
    step = next((step for most, step in _STEPS if length <= most), _STEPS[-1][1] * 2)
    return -(-length // step) * step


def length_of(view: View) -> int:
    """Of a view whose length varies: of the longest of its inputs."""
    return max(len(values) for values in view.inputs.values())


def rung_of(view: View) -> int:
    """The length to which a view is filled up; 0 where views do not vary."""
    return 0 if view.padding is None else rung(length_of(view))


def filled_to(views: Sequence[View], lengths: Sequence[int]) -> int:
    """The length to which some views, or what belongs to them, are filled up side by side.

    Args:
        views: of which tight ones are not filled up to a rung.
        lengths: that they have.
    """
    longest = max(lengths, default=0)
    return longest if all(view.tight for view in views) else rung(longest)


def stacked(views: Sequence[View]) -> dict[str, Tensor]:
    """The inputs of some views as (B, ...) by name.

    Args:
        views: with the same inputs; those with `View.padding` vary along their first axis.
    """
    # Not by torch, whose threads would wait for cores that an engine and the decoders keep busy.
    varying = [length_of(view) for view in views if view.padding is not None]
    length = filled_to(views, varying)
    return {
        name: torch.from_numpy(np.stack([_filled(view, name, length) for view in views]))
        for name in views[0].inputs
    }


def _filled(view: View, name: str, length: int) -> np.ndarray:
    values = view.inputs[name].numpy()
    if view.padding is None:
        return values
    filled = np.full((length, *values.shape[1:]), view.padding.get(name, 0), dtype=values.dtype)
    filled[: len(values)] = values
    return filled
