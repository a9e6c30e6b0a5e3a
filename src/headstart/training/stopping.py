"""Why to stop, as a value: a signal, or a deadline. Puts a signal off, and swallows none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Asked between two steps: why to stop, or None.
StopSource = Callable[[], str | None]

TIME_LIMIT = "time limit"
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stop:
    """A `StopSource`. A signal comes before the deadline.

    Args:
        seconds: from now to the deadline; None is no deadline.

    Attributes:
        signal: that was received, or None.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self.signal: signal.Signals | None = None

    def __call__(self) -> str | None:
        """Why to stop, or None."""
        if self.signal:
            return SIGNALS[self.signal]
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return TIME_LIMIT if late else None

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: the first is noted, the second ends the process at once."""
        if self.signal:
            os._exit(128 + number)
        self.signal = signal.Signals(number)


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
