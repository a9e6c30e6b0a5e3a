"""How much a bundle may ask for before its weights are compared: a few bytes can state any number.

Within a `Bounded`, tensors are counted as they are made, before they have memory; numbers that are not
those of a tensor are looked at in the facts. A network takes what its weights take, and some room besides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from headstart.errors import BundleError

# How often a network may take what its weights have, as values and as tensors; and what any may take.
_TIMES, _VALUES, _TENSORS = 8, 2**26, 2**14
# Numbers by which lists are made before any tensor is; no network has as many of them.
_COUNTED = re.compile(r"layer|block|depth|position")
_MOST = 2**24
# Pixels of a side, and inputs of a batch.
_SIDE, _BATCH = 2**14, 2**16


class Bounded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses to make more, or larger, tensors than weights tell of.

    Args:
        weights: that the network is to be given.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._values: float = _VALUES + _TIMES * sum(value.numel() for value in weights.values())
        self._tensors = _TENSORS + _TIMES * len(weights)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """What an operator gives; those whose first argument is a size, or a number, make a tensor."""
        size = args[0] if args else None
        if isinstance(size, (list, tuple)) and all(isinstance(side, int) for side in size):
            self._take(math.prod(size))
        elif isinstance(size, (int, float)):
            self._take(max(abs(number) for number in args if isinstance(number, (int, float))))
        return func(*args, **(kwargs or {}))

    def _take(self, values: float) -> None:
        self._values -= max(values, 0)
        self._tensors -= 1
        if not self._values > 0 or self._tensors < 0:
            raise BundleError(
                "bundle.json: tells of a network that is far larger than the weights beside it.",
                "Do not use it; get it anew from where it was trained.",
            )


def check_numbers(facts: Mapping[str, Any]) -> None:
    """Refuse numbers that no bundle has.

    Args:
        facts: of bundle.json.

    Raises:
        BundleError: one of them is none that could be computed with.
    """
    batch_size, temperature = facts["batch_size"], facts["temperature"]
    sides = facts["preprocessing"].get("size", ())
    wrong = {
        "batch_size": not (type(batch_size) is int and 0 < batch_size <= _BATCH),
        "temperature": not (isinstance(temperature, (int, float)) and 0 < temperature < math.inf),
        "feature_size": not (type(facts["feature_size"]) is int and 0 < facts["feature_size"] <= _MOST),
        "preprocessing": not all(type(side) is int and 0 < side <= _SIDE for side in sides),
        "blueprint": _largest(facts["blueprint"]) > _MOST,
    }
    found = [name for name, is_wrong in wrong.items() if is_wrong]
    if found:
        raise BundleError(
            f"bundle.json: has numbers that no model has: {', '.join(found)}.",
            "Restore it from a copy, or train again.",
        )


def _largest(stated: Any, name: str = "") -> float:
    """The largest of the numbers that count something, wherever it stands."""
    if isinstance(stated, Mapping):
        return max((_largest(value, key) for key, value in stated.items()), default=0)
    if isinstance(stated, list):
        return max((_largest(value, name) for value in stated), default=0)
    return stated if isinstance(stated, (int, float)) and _COUNTED.search(name) else 0
