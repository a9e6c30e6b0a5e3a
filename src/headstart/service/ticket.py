"""One request's inputs on their way to their answers, through threads. Knows no HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from headstart.service.clock import now


class Ticket:
    """What a request waits for.

    Args:
        count: of its inputs.
        deadline: after which nobody waits for the answers.
    """

    def __init__(self, count: int, deadline: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._answers: list[Any] = [None] * count
        self._left = count
        self._cancelled = False
        self._deadline = deadline
        self.future: asyncio.Future[list[Any]] = self._loop.create_future()

    @property
    def is_over(self) -> bool:
        """Whether no work should begin for it any more."""
        return self._cancelled or now() > self._deadline

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._cancelled = True

    def give(self, place: int, answer: Any) -> None:
        """The answer to one of its inputs; with the last one, it is answered."""
        with self._lock:
            self._answers[place] = answer
            self._left -= 1
            whole = self._left == 0
        if whole:
            self._tell(lambda: self.future.set_result(self._answers))

    def fail(self, error: Exception) -> None:
        """One of its inputs has no answer, so it has none."""
        self._cancelled = True
        self._tell(lambda: self.future.set_exception(error))

    def _tell(self, act: Callable[[], None]) -> None:
        def unless_done() -> None:
            if not self.future.done():
                act()

        # A service that has ended waits for nothing.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(unless_done)
