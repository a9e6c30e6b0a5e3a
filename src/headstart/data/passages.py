"""Plain texts cut into passages of about one length. Knows not what they are for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from headstart.data.delimited import read_lines
from headstart.data.table import Table
from headstart.errors import DataError

LONGEST = 2_000  # characters of a passage, where the text can be cut there


class _Piece(NamedTuple):
    """A stretch of a text: its first line, and what stands between it and the one before."""

    line: int
    before: str
    text: str


def read_passages(path: Path) -> Table:
    """A row a passage, in a column "text".

    A text is cut at blank lines, paragraphs of more than `LONGEST` characters also at ends of
    lines, and lines of more at spaces; neighbours are joined again up to `LONGEST`.

    Raises:
        DataError: the encoding is at fault, or there is no text.
    """
    passages = list(_joined(_pieces(read_lines(path))))
    if not passages:
        raise DataError(f"{path}: the file is empty.", "Give it a text, or remove it.")
    return Table(
        name=path.name,
        columns=("text",),
        rows=tuple((passage.text,) for passage in passages),
        numbers=tuple(passage.line for passage in passages),
    )


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    passage: _Piece | None = None
    for piece in pieces:
        if passage is None:
            passage = piece
        elif len(passage.text) + len(piece.before) + len(piece.text) <= LONGEST:
            passage = passage._replace(text=passage.text + piece.before + piece.text)
        else:
            yield passage
            passage = piece
    if passage is not None:
        yield passage


def _pieces(lines: Sequence[str]) -> Iterator[_Piece]:
    for first, paragraph in _paragraphs(lines):
        whole = "\n".join(paragraph)
        if len(whole) <= LONGEST:
            yield _Piece(first, "\n\n", whole)
            continue
        for number, line in enumerate(paragraph):
            # Parts of one line never meet again: two of them are always too long together.
            for text in _cut(line):
                yield _Piece(first + number, "\n" if number else "\n\n", text)


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines between blank ones, and the number of the first of them."""
    paragraph: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            paragraph.append(line.rstrip())
        elif paragraph:
            yield number - len(paragraph), paragraph
            paragraph = []


def _cut(line: str) -> Iterator[str]:
    """A line in parts that are not too long, cut at spaces where it has any."""
    while len(line) > LONGEST:
        stop = line.rfind(" ", 1, LONGEST + 1)
        stop = stop if stop > 0 else LONGEST
        yield line[:stop]
        line = line[stop:].lstrip(" ")
    if line:
        yield line
