"""Which inputs of a window are drawn by lot: labels of these are fair, whatever else is labelled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headstart.monitoring.usual import DRAWN


@dataclass(frozen=True)
class Lot:
    """The inputs whose tickets are lowest. A ticket is a hash, which nothing about the input foretells.

    Attributes:
        seed: of the tickets; each window has its own.
        highest: ticket that was drawn.
        n: inputs that were.
    """

    seed: int
    highest: str
    n: int

    @classmethod
    def of(cls, inputs: Sequence[str], seed: int, most: int = DRAWN) -> Lot:
        """Draw from some inputs, at least one; equal ones are one."""
        drawn = sorted(_ticket(seed, name) for name in set(inputs))[:most]
        return cls(seed, drawn[-1], len(drawn))

    def __contains__(self, name: str) -> bool:
        return _ticket(self.seed, name) <= self.highest

    def state(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Lot:
        """From what `state` gave."""
        return cls(**state)


def _ticket(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).hexdigest()
