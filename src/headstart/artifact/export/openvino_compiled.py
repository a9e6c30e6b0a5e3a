"""A model of OpenVINO that computes one call with all threads, or several calls beside each other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

_log = logging.getLogger(__name__)


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
        alone = {**settings, "PERFORMANCE_HINT": "LATENCY"}
        self._alone = _Requests(core.compile_model(model, "CPU", alone))
        several = {**settings, "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": abreast}
        self._beside: _Requests | None = None
        # No daemon: a process that ends meanwhile waits for it, as the engine's threads end badly else.
        compiling = partial(self._compile, partial(core.compile_model, model, "CPU", several))
        self._compiling = threading.Thread(target=compiling, name="compiling") if abreast > 1 else None
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
        if self._running == 1 or self._compiling is None:
            return self._alone
        if self._compiling.ident is None:
            self._compiling.start()
        return self._beside or self._alone

    def _compile(self, compiled: Callable[[], Any]) -> None:
        try:
            self._beside = _Requests(compiled())
        # There may be no memory for it; then calls go on waiting for each other.
        except Exception:
            _log.warning("Batches are not computed beside each other.", exc_info=True)


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
