"""Silence for a library that warns about damaged files: their errors say it better."""

from __future__ import annotations

import threading
import warnings


class Quiet:
    """A context without warnings, also when several threads are in it at once.

    `warnings.catch_warnings` alone keeps its state by the process: two threads that leave in
    another order than they came would silence it for ever. So the first in opens, the last out closes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._silence = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._silence = warnings.catch_warnings(action="ignore")
                self._silence.__enter__()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._silence.__exit__(None, None, None)
