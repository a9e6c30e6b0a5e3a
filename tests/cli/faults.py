"""What the tests of faults share: a fit of few steps, a blow at a moment, and what must come out equal."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Its network is returned as it was trained even where the probe is better, and with this seed its second
# phase is better than its first: there is something to compare.
SMALL = (
    *("--technique", "two-phase"),
    *("--batch-size", "8", "--epochs", "3", "--image-size", "64", "--device", "cpu"),
    *("--seed", "5"),
    *("--set", "train.keep_probe=false", "--set", "train.interpolate=false"),
)
ANSWERS = ("model/weights.safetensors", "model/bundle.json", "predictions/test.csv")


def differing(run: Path, other: Path) -> list[str]:
    """The files in which the results of two runs differ by any byte."""
    return [name for name in ANSWERS if (run / name).read_bytes() != (other / name).read_bytes()]


def strike_at(
    patch: pytest.MonkeyPatch, place: str, count: int, blow: Callable[[], None] | Exception
) -> None:
    """Let something happen before the n-th call of a function or method, which then goes on.

    Args:
        place: such as ``headstart.training.loop.train``.
        count: n, from 1.
        blow: called, or raised.
    """
    owner, name = _owner(place)
    function = getattr(owner, name)
    calls = 0

    def struck(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            if isinstance(blow, Exception):
                raise blow
            blow()
        return function(*arguments, **named)

    patch.setattr(owner, name, struck)


def send_signal(number: int) -> Callable[[], None]:
    """Sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def flip_byte(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _owner(place: str) -> tuple[Any, str]:
    """The module or class that a dotted name is in, and its name there."""
    above, _, name = place.rpartition(".")
    try:
        return importlib.import_module(above), name
    except ModuleNotFoundError:
        owner, inner = _owner(above)
        return getattr(owner, inner), name
