"""Words with tags, a line each, as CoNLL shared tasks write them. Knows not what tags mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from headstart.data.delimited import read_delimited, read_lines
from headstart.data.table import Table
from headstart.errors import DataError

SUFFIXES = frozenset({".conll", ".iob", ".bio"})
_DOCUMENT = "-DOCSTART-"
_REMEDY = "Write a word a line, its tag last, with a tab or spaces between; a blank line ends a sentence."


class _Line(NamedTuple):
    """One that is not blank, and its cells."""

    number: int
    cells: tuple[str, ...]


def read_conll(path: Path) -> Table:
    """The sentences of a file as rows with columns "words" and "tags", lists of texts.

    The first column holds words, the last one tags, others are passed over; so are lines that begin
    with ``-DOCSTART-``, and comments. A line that begins with ``#`` is a comment unless it has as many
    columns as the other lines, and its last one is a tag in them, too.

    Raises:
        DataError: the encoding is at fault, or lines are, all of them named.
    """
    sentences = sentences_of(read_lines(path))
    lines = [line for sentence in sentences for line in sentence]
    if not lines:
        raise DataError(f"{path}: there is no sentence.", _REMEDY)
    if faults := [f"line {line.number}: {fault}" for line in lines if (fault := _fault(line))]:
        raise DataError.listed(str(path), faults, _REMEDY)
    return Table(
        name=path.name,
        columns=("words", "tags"),
        rows=tuple(
            ([line.cells[0] for line in sentence], [line.cells[-1] for line in sentence])
            for sentence in sentences
        ),
        numbers=tuple(sentence[0].number for sentence in sentences),
    )


def read_tabbed(path: Path) -> Table:
    """A file of words and tags, or, where it does not look so, a table with a header.

    Raises:
        DataError: as `read_conll` and `read_delimited` do.
    """
    return read_conll(path) if looks_tagged(read_lines(path)) else read_delimited(path)


def looks_tagged(lines: Sequence[str]) -> bool:
    """Whether lines are words with tags: blank lines between, and words without spaces in equal columns."""
    sentences = sentences_of(lines)
    counts = Counter(len(line.cells) for sentence in sentences for line in sentence)
    several = len(sentences) > 1 and any(len(sentence) > 1 for sentence in sentences)
    words = [line.cells[0] for sentence in sentences for line in sentence]
    return several and len(counts) == 1 and min(counts) > 1 and not any(" " in word.strip() for word in words)


def tagged_by_span(lines: Sequence[str]) -> bool:
    """Whether the tags of such lines are those of entities: ``O``, and ``B-person`` or the like."""
    tags = {line.cells[-1] for sentence in sentences_of(lines) for line in sentence}
    return tags > {"O"} and all(tag == "O" or tag[:2] in _BEGINNINGS for tag in tags)


_BEGINNINGS = frozenset(f"{letter}-" for letter in "BIESLU")


def sentences_of(lines: Sequence[str]) -> list[list[_Line]]:
    """The lines of each sentence, without comments."""
    filled = [line for line in lines if line.strip()]
    tabbed = sum("\t" in line for line in filled) * 2 > len(filled)
    split = [_cells(line, tabbed) for line in lines]
    known = [cells for cells in split if cells and not cells[0].startswith(("#", _DOCUMENT))]
    width = Counter(map(len, known)).most_common(1)[0][0] if known else 0
    tags = {cells[-1] for cells in known}

    def is_comment(cells: tuple[str, ...]) -> bool:
        fits = len(cells) == width > 1 and (tabbed or cells[0] != "#" or cells[-1] in tags)
        return cells[0].startswith("#") and not fits

    sentences: list[list[_Line]] = [[]]
    for number, cells in enumerate(split, start=1):
        if not cells or cells[0].startswith(_DOCUMENT):
            sentences.append([])
        elif not is_comment(cells):
            sentences[-1].append(_Line(number, cells))
    return [sentence for sentence in sentences if sentence]


def _cells(line: str, tabbed: bool) -> tuple[str, ...]:
    if not line.strip():
        return ()
    # Not split(): a word may hold a space that does not break.
    return tuple(line.split("\t")) if tabbed else tuple(cell for cell in line.split(" ") if cell)


def _fault(line: _Line) -> str:
    if len(line.cells) == 1:
        return f"there is one column only, '{line.cells[0][:60]}', so the word or its tag is missing."
    if not line.cells[0].strip():
        return "the word is empty."
    if not line.cells[-1].strip():
        return "the tag is empty."
    return ""
