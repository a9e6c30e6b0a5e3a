"""Windows as they were judged, one after the other: what the page tells. Knows plain data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headstart.monitoring.alarm import ACCURACY, FEATURES, OUTPUTS

KINDS = (OUTPUTS, FEATURES, ACCURACY)


@dataclass(frozen=True)
class Watched:
    """One window.

    Attributes:
        at: when it was judged, seconds since 1970.
        first, last: when its first and its last prediction were made.
        judged: as `Judgement.state` gave it.
    """

    at: float
    first: float
    last: float
    judged: Mapping[str, Any]

    @property
    def alarm(self) -> bool:
        """Whether it rang."""
        return bool(self.judged["alarm"])

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {"at": self.at, "first": self.first, "last": self.last, **self.judged}

    def findings(self, kind: str) -> list[Mapping[str, Any]]:
        """Of one kind, what is most surprising first."""
        return [finding for finding in self.judged["findings"] if finding["kind"] == kind]

    def rang(self, kind: str) -> list[Mapping[str, Any]]:
        """The findings of one kind that ring."""
        return [finding for finding in self.findings(kind) if finding["alarm"]]

    def least(self, kind: str) -> float | None:
        """The smallest corrected p-value of one kind; None where it was not tested."""
        return min((finding["adjusted"] for finding in self.findings(kind)), default=None)


@dataclass(frozen=True)
class WatchPage:
    """What the page says.

    Attributes:
        title: of the service.
        model: what the version that is watched is called.
        windows: oldest first, at least one.
        headstart: the version of headstart.
        about: one of these, which the page tells in full; None is the last.
    """

    title: str
    model: str
    windows: Sequence[Watched]
    headstart: str = ""
    about: Watched | None = None


def moment(seconds: float) -> str:
    """A time as ``"2026-05-03 10:20 UTC"``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def day(seconds: float) -> str:
    """A time as ``"2026-05-03"``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
