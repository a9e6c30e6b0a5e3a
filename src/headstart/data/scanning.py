"""One full decode of every input, before anything expensive begins. Knows no kind of input."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from headstart.contracts import Event, Example, Progress, Scan
from headstart.data.prefetch import prefetch

Result = TypeVar("Result")
Notify = Callable[[Event], None]

_AHEAD = 64


def scan(
    examples: Sequence[Example], modality_scan: Callable[[Example], Scan], *, notify: Notify | None = None
) -> dict[str, Scan]:
    """What every example's input is, by id; unreadable ones say why.

    Args:
        examples: with distinct ids.
        modality_scan: the modality's; called from several threads.
        notify: told of the progress, about a hundred times.
    """
    return {example.id: result for example, result in decode(examples, modality_scan, notify=notify)}


def decode(
    examples: Sequence[Example], decoded: Callable[[Example], Result], *, notify: Notify | None = None
) -> Generator[tuple[Example, Result]]:
    """Every example with what its decoding gave, in order; threads decode the next ones meanwhile."""
    every = max(1, len(examples) // 100)
    results = prefetch(decoded, examples, threads=os.cpu_count() or 1, ahead=_AHEAD)
    for done, (example, result) in enumerate(zip(examples, results, strict=True), start=1):
        yield example, result
        if notify is not None and (done % every == 0 or done == len(examples)):
            notify(Progress(step=0, what="files", done=done, total=len(examples)))
