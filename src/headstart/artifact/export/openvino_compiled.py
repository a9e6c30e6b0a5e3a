"""A model of OpenVINO that computes one call with all threads, or several calls beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any


class Compiled:
    """A model that is compiled for one call at a time; once calls meet, for several at once as well.

    Alone, a call has every thread, and is answered soonest. Calls that meet have some threads each: none
    waits at every layer for the slowest thread of all, which others on the machine may have interrupted.
    Until that is compiled, calls wait for each other.

    Args:
        core: of OpenVINO.
        model: as it was read.
        settings: of the processor.
        abreast: calls that are computed beside each other.
    """

    def __init__(self, core: Any, model: Any, settings: Mapping[str, Any], abreast: int) -> None:
        self._abreast = abreast
        alone = {**settings, "PERFORMANCE_HINT": "LATENCY"}
        self._alone = _Requests(core.compile_model(model, "CPU", alone))
        several = {**settings, "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": abreast}
        self._compile: Callable[[], Any] = partial(core.compile_model, model, "CPU", several)
        self._beside: _Requests | None = None
        self._compiling: threading.Thread | None = None
        self._lock = threading.Lock()
        self._running = 0

    @contextmanager
    def request(self) -> Iterator[Any]:
        """An infer request, one caller's at a time."""
        with self._lock:
            self._running += 1
            requests = self._requests()
        try:
            with requests.one() as request:
                yield request
        finally:
            with self._lock:
                self._running -= 1

    def _requests(self) -> _Requests:
        if self._running == 1 or self._abreast == 1:
            return self._alone
        if self._beside is None and self._compiling is None:
            self._compiling = threading.Thread(target=self._make_beside, name="compiling", daemon=True)
            self._compiling.start()
        return self._beside or self._alone

    def _make_beside(self) -> None:
        self._beside = _Requests(self._compile())
        # The model as it was read is of no use any more.
        del self._compile


class _Requests:
    """As many infer requests of a compiled model as callers ever met."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: SimpleQueue[Any] = SimpleQueue()

    @contextmanager
    def one(self) -> Iterator[Any]:
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)
