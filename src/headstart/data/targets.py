"""Cells of a label column to targets: texts, or tuples of texts where one may have several."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from headstart.config.schema import DataConfig
from headstart.data.layout import is_text
from headstart.errors import DataError

Target = str | tuple[str, ...]

_WHOLE_NUMBER = re.compile(r"(-?\d+)(\.0*)?")
_JOINED_SHARE = 0.05  # of the cells must hold the separator before it is taken for one


def targets(cells: Sequence[Any], origins: Sequence[str], config: DataConfig) -> list[Target | None]:
    """The targets of all cells of a column, which are read alike; None where a cell is empty.

    Numbers become texts, and 1.0 becomes "1" where the whole column is of whole numbers. The
    labels of one example are sorted, without repetition. An empty list is an example to which
    no label applies, an empty cell one whose labels are unknown.

    Args:
        cells: of the label column, of all tables of the dataset.
        origins: file and row of each, for messages.
        config: whether labels are joined, and by what.

    Raises:
        DataError: cells that are no labels, all of them named.
    """
    problems = [
        f"{origin}: {problem}"
        for origin, cell in zip(origins, cells, strict=True)
        for problem in _faults(cell, config)
    ]
    if problems:
        raise DataError.listed("labels", problems, "Write labels as text or numbers, or a list of them.")
    read = [_labels(cell) for cell in cells]
    if config.multi_label is False:
        return _without_fractions(read)
    if config.multi_label or _several(read, config.separator):
        read = [_parted(labels, config.separator) for labels in read]
        return [None if labels is None else tuple(sorted(set(labels))) for labels in _without_fractions(read)]
    return _without_fractions(read)


def _faults(cell: Any, config: DataConfig) -> Iterator[str]:
    """Why a cell is no label."""
    several = isinstance(cell, list | tuple)
    if several and config.multi_label is False:
        yield "a list of labels, but data.multi_label is false."
    for part in cell if several else (cell,):
        if not isinstance(part, str | int | float | None):
            yield f"a label must be a text or a number, not {type(part).__name__}."
        elif isinstance(part, str) and not is_text(part):
            yield "the label is not valid Unicode."


def _labels(cell: Any) -> Target | None:
    """One cell as text or texts."""
    if isinstance(cell, list | tuple):
        return tuple(text for text in map(_text, cell) if text is not None)
    return _text(cell)


def _text(cell: str | float | None) -> str | None:
    if cell is None or cell != cell:  # NaN is the only value that differs from itself
        return None
    return str(cell).strip() or None


def _several(read: Sequence[Target | None], separator: str) -> bool:
    """Whether cells join labels: the separator is common, and its parts recur in other cells.

    A separator inside the names of single labels ("n02|dog") parts them too, but then the
    parts always come together.
    """
    if any(isinstance(labels, tuple) for labels in read):
        return True
    counts = Counter(label for label in read if isinstance(label, str))
    joined = [label for label in counts if separator in label]
    if sum(counts[label] for label in joined) < _JOINED_SHARE * counts.total() or not joined:
        return False
    seen = Counter(part for label in counts for part in _parted(label, separator) or ())
    parts = {part for label in joined for part in _parted(label, separator) or ()}
    return sum(seen[part] > 1 for part in parts) * 2 >= len(parts)


def _parted(labels: Target | None, separator: str) -> tuple[str, ...] | None:
    """A joined text as its parts; what is parted already stays."""
    if not isinstance(labels, str):
        return labels
    return tuple(part.strip() for part in labels.split(separator) if part.strip())


def _without_fractions(read: list[Target | None]) -> list[Target | None]:
    """ "1.0" as "1", where every label of the column is a whole number."""

    def parts(labels: Target | None) -> tuple[str, ...]:
        return labels if isinstance(labels, tuple) else () if labels is None else (labels,)

    if not all(_WHOLE_NUMBER.fullmatch(part) for labels in read for part in parts(labels)):
        return read

    def whole(text: str) -> str:
        return text.partition(".")[0]

    return [
        tuple(map(whole, labels)) if isinstance(labels, tuple) else None if labels is None else whole(labels)
        for labels in read
    ]
