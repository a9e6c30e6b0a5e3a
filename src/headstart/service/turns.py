"""Which of the inputs that are ready are computed next: requests have their turns. Knows no threads."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from headstart.service.ticket import Ticket


@dataclass(slots=True, eq=False)
class Job:
    """One input of a request.

    Attributes:
        ticket: of the request.
        place: among its inputs.
        value: that came.
        view: of it, once it is ready.
        length: class of the view's length; those of one class share a batch.
        ready: moment at which it was.
    """

    ticket: Ticket
    place: int
    value: Any
    view: Any = None
    length: int = 0
    ready: float = 0.0


class Turns:
    """Inputs that are ready, request by request.

    A batch is first of the request whose turn it is, then of those behind it. What that request has left
    waits until the others have had their turn: the largest request holds up another for one batch.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[Ticket, deque[Job]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """Inputs that wait."""
        return self._count

    def add(self, job: Job) -> None:
        """One more; a request that has none waiting comes last."""
        self._lines.setdefault(job.ticket, deque()).append(job)
        self._count += 1

    def since(self) -> float | None:
        """The moment from which one has been ready; None where there is none.

        Requests that nobody waits for are dropped where they would be next.
        """
        while self._lines:
            ticket, line = next(iter(self._lines.items()))
            if not ticket.is_over:
                return min(line[0].ready for line in self._lines.values())
            del self._lines[ticket]
            self._count -= len(line)
        return None

    def take(self, most: int) -> list[Job]:
        """The next batch, of about one length and at most so many; `since` must have found one."""
        lead, line = next(iter(self._lines.items()))
        length = line[0].length
        taken: list[Job] = []
        for ticket in list(self._lines):
            taken += self._taken(ticket, length, most - len(taken))
            if len(taken) == most:
                break
        if lead in self._lines:
            self._lines.move_to_end(lead)
        self._count -= len(taken)
        return taken

    def _taken(self, ticket: Ticket, length: int, most: int) -> list[Job]:
        """Of one request's inputs those of a length, at most so many."""
        taken: list[Job] = []
        left: deque[Job] = deque()
        for job in self._lines[ticket]:
            if len(taken) < most and job.length == length:
                taken.append(job)
            else:
                left.append(job)
        if left:
            self._lines[ticket] = left
        else:
            del self._lines[ticket]
        return taken
