"""Texts with marked stretches as pieces side by side. Knows no HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headstart.contracts import Mark, Part, Shown

# Characters before the first mark of a long text and behind its last, and of one without marks.
AROUND, LONGEST = 160, 1200
ELLIPSIS = "…"


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, and how it is marked; None where it is not."""

    text: str
    mark: Mark | None = None


def pieces(part: Part) -> Iterator[Piece]:
    """The text of a part from begin to end, cut to what lies around its marks where it is long.

    Of marks that overlap, the first to begin has what they share.
    """
    marks = sorted(part.marks, key=lambda mark: (mark.start, mark.stop))
    place, stop = _window(part.text, marks)
    if place:
        yield Piece(ELLIPSIS)
    for mark in marks:
        start, end = max(place, mark.start), min(mark.stop, stop)
        if start >= end:
            continue
        if place < start:
            yield Piece(part.text[place:start])
        yield Piece(part.text[start:end], mark)
        place = end
    if place < stop:
        yield Piece(part.text[place:stop])
    if stop < len(part.text):
        yield Piece(ELLIPSIS)


def has_marks(shown: Sequence[Shown]) -> bool:
    """Whether any stretch of them is marked."""
    return any(part.marks for one in shown for part in one.parts)


def _window(text: str, marks: Sequence[Mark]) -> tuple[int, int]:
    """First and last character of what is shown of a text."""
    if len(text) <= LONGEST:
        return 0, len(text)
    if not marks:
        return 0, LONGEST
    start = max(0, min(mark.start for mark in marks) - AROUND)
    stop = max(mark.stop for mark in marks) + AROUND
    return start, min(len(text), stop, start + LONGEST)
