"""Why to stop, as a value: a signal, or a deadline; and how the time up to that is shared among phases.

Puts a signal off, and swallows none.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

# Asked between two steps: why to stop, or None.
StopSource = Callable[[], str | None]


def never() -> None:
    """There is no reason to stop."""


TIME_LIMIT = "time limit"
# A phase has had its part of the time, and others are to come.
PART_OVER = "its part of the time limit"
# The weights that were reached may be the best then.
ON_TIME = (TIME_LIMIT, PART_OVER)
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Pace(Protocol):
    """How time is shared among phases."""

    def begin(self, rest: int) -> None:
        """A phase begins; with it, so many are to come."""

    def used(self) -> float:
        """Share of the phase's time that is over, 0 to 1; 0 where there is no limit."""


class Unhurried:
    """There is no limit."""

    def begin(self, rest: int) -> None:
        """Nothing is shared."""

    def used(self) -> float:
        """Nothing is over."""
        return 0.0


UNHURRIED = Unhurried()


class Stop:
    """A `StopSource` and a `Pace`. A signal comes before the deadline.

    Args:
        seconds: from now to the deadline; None is no deadline.

    Attributes:
        signal: that was received, or None.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._left_out = 0.0
        self._began, self._rest = time.monotonic(), 1
        self.signal: signal.Signals | None = None

    def __call__(self) -> str | None:
        """Why to stop, or None."""
        if self.signal:
            return SIGNALS[self.signal]
        if self.left <= 0:
            return TIME_LIMIT
        return PART_OVER if self._rest > 1 and self.used() >= 1 else None

    @property
    def limited(self) -> bool:
        """Whether there is a deadline."""
        return math.isfinite(self._end)

    @property
    def left(self) -> float:
        """Seconds for training: those to the deadline, less what is left for afterwards."""
        return self.left_in_all - self._left_out

    @property
    def left_in_all(self) -> float:
        """Seconds to the deadline."""
        return self._end - time.monotonic()

    def times(self, seconds: float) -> float:
        """How often something that takes so many seconds can be done in the time for training."""
        return max(self.left, 0.0) / seconds

    def leave(self, seconds: float) -> None:
        """Let the deadline be so many seconds before the end, for what comes after training."""
        self._left_out = seconds

    def begin(self, rest: int) -> None:
        """A phase begins: of the time that is left, it has an equal part with those to come."""
        self._began, self._rest = time.monotonic(), rest

    def used(self) -> float:
        """Share of the phase's time that is over."""
        now = time.monotonic()
        if not self.limited:
            return 0.0
        part = (self._end - self._left_out - self._began) / self._rest
        return min(1.0, (now - self._began) / part) if part > 0 else 1.0

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: the first is noted, the second ends the process at once."""
        if self.signal:
            os._exit(128 + number)
        self.signal = signal.Signals(number)


class Shared:
    """The pace of one of several trainings, whose phases share the time with those of the others.

    Args:
        stop: knows the time limit.
        later: phases of the trainings to come.
    """

    def __init__(self, stop: Stop, later: int) -> None:
        self._stop, self._later = stop, later

    def begin(self, rest: int) -> None:
        """A phase begins; with it, so many of this training are to come."""
        self._stop.begin(rest + self._later)

    def used(self) -> float:
        """Share of the phase's time that is over."""
        return self._stop.used()


@contextmanager
def stop_on_signals(seconds: float | None = None) -> Iterator[Stop]:
    """A `Stop` that SIGINT and SIGTERM set within; after, their old handlers are back, and get it.

    Off the main thread, where Python allows no handlers, only the deadline counts.

    Args:
        seconds: from now to the deadline; None is no deadline.
    """
    stop = Stop(seconds)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.receive) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.signal:
        signal.raise_signal(stop.signal)
