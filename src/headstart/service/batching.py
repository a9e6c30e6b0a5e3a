"""Inputs of many requests computed together, by one model. Knows no HTTP.

Decoders make inputs ready, several at once, and no request keeps them for long while others wait; other
threads compute them, request by request. They take what is ready whenever they are free: alone a request
is never held up, and under load batches grow by themselves. They wait only for inputs that are being
decoded at the moment, and not for long.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol

from headstart.service.clock import now
from headstart.service.ticket import Ticket
from headstart.service.turns import Job, Turns

if TYPE_CHECKING:
    from headstart.artifact.model import Answered
    from headstart.contracts import View


# Seconds after which a request with more inputs to decode lets others have their turn.
SLICE = 0.02


class Answers(Protocol):
    """What is asked of a model."""

    def view(self, value: Any, *, name: str) -> View:
        """One input made ready."""
        ...

    def answer(self, views: Sequence[View], values: Sequence[Any]) -> list[Answered]:
        """One pass over some inputs."""
        ...


class QueueFull(Exception):
    """So many inputs wait that no more are taken.

    Args:
        seconds: after which there may be room.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Batcher:
    """The queue of one model, and the threads that compute it.

    Args:
        model: that answers.
        decoders: threads that make views.
        views: that are made at once, one a thread.
        abreast: batches that are computed beside each other.
        max_batch: inputs computed together, at most.
        max_wait: seconds that a ready input waits for others that are being decoded.
        queue: inputs that may wait.
        counted: told the size of each batch.
    """

    def __init__(
        self,
        model: Answers,
        *,
        decoders: Executor,
        views: int,
        abreast: int,
        max_batch: int,
        max_wait: float,
        queue: int,
        counted: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._model = model
        self._decoders = decoders
        self._views = views
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._queue = queue
        self._counted = counted
        self._changed = threading.Condition()
        self._decoding = 0
        # When each thread began what it does, a view or a batch.
        self._begun: dict[int, float] = {}
        self._ready = Turns()
        self._closed = False
        self._seconds_each = 0.0
        self._threads = [
            threading.Thread(target=self._run, name="engine", daemon=True) for _ in range(abreast)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Inputs that are not being computed yet."""
        return self._decoding + len(self._ready)

    @property
    def busy_for(self) -> float:
        """Seconds that the slowest work of the moment has taken, a batch or a view; 0 where there is none."""
        with self._changed:
            return now() - min(self._begun.values()) if self._begun else 0.0

    async def answer(self, values: Sequence[Any], deadline: float) -> list[Answered]:
        """The answers to some inputs, in order.

        Args:
            values: as `Model.view` takes them; at least one.
            deadline: by the clock, after which no work is begun.

        Raises:
            QueueFull: there is no room for them.
            DataError: one of them cannot be read.
        """
        with self._changed:
            if self.waiting + len(values) > self._queue:
                raise QueueFull(self.waiting * self._seconds_each)
            self._decoding += len(values)
        ticket = Ticket(len(values), deadline)
        try:
            jobs = [Job(ticket, place, value) for place, value in enumerate(values)]
            # A share for each decoder: handing one over costs more than many an input.
            for share in range(min(self._views, len(jobs))):
                self._decoders.submit(self._make_all_ready, jobs[share :: self._views])
            return await ticket.future
        finally:
            ticket.cancel()

    def close(self) -> None:
        """Take no more; what is waiting is still answered."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait until all is answered; whether it is."""
        until = now() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - now()))
        return not any(thread.is_alive() for thread in self._threads)

    def _make_all_ready(self, jobs: Sequence[Job]) -> None:
        """Decode some inputs, in a thread of the decoders; behind others, where they take long."""
        end = now() + SLICE
        for place, job in enumerate(jobs):
            if place and now() >= end:
                self._decoders.submit(self._make_all_ready, jobs[place:])
                return
            self._make_ready(job)

    def _make_ready(self, job: Job) -> None:
        thread = threading.get_ident()
        with self._changed:
            self._begun[thread] = now()
        try:
            if not job.ticket.is_over:
                job.view = self._model.view(job.value, name=f"input {job.place + 1}")
                job.length = _length_class(job.view)
        except Exception as error:
            job.ticket.fail(error)
        with self._changed:
            del self._begun[thread]
            self._decoding -= 1
            if not job.ticket.is_over:
                job.ready = now()
                self._ready.add(job)
            self._changed.notify()

    def _run(self) -> None:
        thread = threading.get_ident()
        while jobs := self._next():
            self._compute(jobs)
            with self._changed:
                took = now() - self._begun.pop(thread)
                each = took / len(jobs) / len(self._threads)
                self._seconds_each += (each - self._seconds_each) / 8 if self._seconds_each else each
            # While nothing is asked, nothing of what was is held.
            del jobs

    def _next(self) -> list[Job]:
        """The next batch, when its time has come; none when the queue is closed and empty."""
        with self._changed:
            while True:
                since = self._ready.since()
                if since is None:
                    if self._closed and not self._decoding:
                        # The others find the same.
                        self._changed.notify_all()
                        return []
                    self._changed.wait()
                    continue
                patience = since + self._max_wait - now()
                if not self._decoding or len(self._ready) >= self._max_batch or patience <= 0:
                    self._begun[threading.get_ident()] = now()
                    taken = self._ready.take(self._share())
                    if len(self._ready):
                        self._changed.notify()
                    return taken
                self._changed.wait(patience)

    def _share(self) -> int:
        """Inputs of the next batch, at most: threads that have nothing to do are worse than small batches."""
        share = math.ceil(len(self._ready) / len(self._threads))
        return min(max(share, self._max_batch // 2, 1), self._max_batch)

    def _compute(self, jobs: Sequence[Job]) -> None:
        jobs = [job for job in jobs if not job.ticket.is_over]
        if not jobs:
            return
        try:
            answers = self._model.answer([job.view for job in jobs], [job.value for job in jobs])
            pairs = list(zip(jobs, answers, strict=True))
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].ticket.fail(error)
                return
            # One bad input must not cost the others their answers.
            for job in jobs:
                self._compute([job])
            return
        for job, answer in pairs:
            job.ticket.give(job.place, answer)
        self._counted(len(jobs))


def _length_class(view: View) -> int:
    """Views of one class are filled up to at most twice their length; 0 where none vary."""
    if view.padding is None:
        return 0
    return max(len(values) for values in view.inputs.values()).bit_length()
