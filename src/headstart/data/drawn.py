"""Some examples of many, by chance and the same each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.contracts import Example


def drawn(examples: Sequence[Example], count: int, *, seed: int) -> Sequence[Example]:
    """So many of them, in their order; all where there are no more.

    Data is often sorted by label, so that the first examples say nothing of the others.
    """
    if len(examples) <= count:
        return examples
    places = np.sort(np.random.default_rng(seed).permutation(len(examples))[:count])
    return [examples[place] for place in places]
