"""Which column of a table serves as what: as stated, else guessed. Knows no labels' meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.config.schema import DataConfig
from headstart.data.layout import shown, split_named
from headstart.data.table import Table
from headstart.errors import DataError, did_you_mean

INPUT_NAMES = ("path", "file", "filename", "filepath", "image", "img", "photo", "picture", "id")
LABEL_NAMES = ("label", "labels", "class", "classes", "target", "category", "categories", "tags", "tag", "y")
_SPLIT_NAMES = ("split", "subset", "partition")
_LOOKED_AT = 200  # cells a column, spread over the table, when looking for files


@dataclass(frozen=True)
class Columns:
    """Names of columns by their service; None where there is none."""

    input: str
    label: str
    group: str | None = None
    split: str | None = None

    def named(self) -> dict[str, str]:
        """Service to name, of those there are."""
        services = {"input": self.input, "label": self.label, "group": self.group, "split": self.split}
        return {service: name for service, name in services.items() if name is not None}


def choose(table: Table, config: DataConfig, finds: Callable[[Any], bool]) -> Columns:
    """The columns of a table.

    Args:
        table: as read.
        config: columns that it states are taken; the others are guessed.
        finds: whether a cell names a file of the data.

    Raises:
        DataError: a stated column is not there, or none can be guessed.
    """
    require(table, {"input": config.input, "label": config.label, "group": config.group})
    split = next((name for name in table.columns if _splits(table, name)), None)
    taken = {config.label, config.group, split}
    source = config.input or _guess_input(table, [name for name in table.columns if name not in taken], finds)
    taken = {source, config.group, split}
    label = config.label or _guess_label(table, [name for name in table.columns if name not in taken])
    return Columns(source, label, config.group, split)


def require(table: Table, wanted: dict[str, str | None]) -> None:
    """Refuse names that a table has not, all at once.

    Args:
        table: as read.
        wanted: service to name, None where none is wanted.
    """
    problems = [
        f"no column '{name}' (data.{service}).{did_you_mean(name, table.columns)}"
        for service, name in wanted.items()
        if name is not None and name not in table.columns
    ]
    if problems:
        raise DataError.listed(table.name, problems, f"There are: {', '.join(table.columns)}.")


def _splits(table: Table, name: str) -> bool:
    """Whether a column tells the split of every row; one that tells it of some only is refused."""
    if name.casefold() not in _SPLIT_NAMES:
        return False
    others = [cell for cell in table.column(name) if not (isinstance(cell, str) and split_named(cell))]
    if others and len(others) < len(table.rows):
        raise DataError(
            f"{table.name}: column '{name}' names train, val or test, but not in {len(others)} rows, such as "
            f"'{shown(others[0])}'.",
            "Write train, val or test in every row, or call the column something else.",
        )
    return not others


def _guess_input(table: Table, names: Sequence[str], finds: Callable[[Any], bool]) -> str:
    """The column most of whose cells are files; where none is, the one named like paths."""
    if finds_any := [name for name in table.columns if finds(name)]:
        raise DataError(
            f"{table.name}: the first line names the file '{finds_any[0]}', so the header is missing.",
            "Begin the table with a line of names, such as 'path,label'.",
        )
    step = max(1, len(table.rows) // _LOOKED_AT)
    found = {name: sum(map(finds, table.column(name)[::step])) for name in names}
    best = max(found, key=lambda name: found[name], default=None)
    if best is not None and found[best]:
        return best
    named = _named_like(names, INPUT_NAMES)
    if named is None:
        raise DataError(
            f"{table.name}: no column holds paths of files: none of {', '.join(table.columns)} names a file "
            "that is there.",
            "Write paths relative to the table's folder, and say which column with --set data.input=NAME.",
        )
    return named


def _guess_label(table: Table, names: Sequence[str]) -> str:
    """The column named like labels; else the only one left; else the only one whose cells recur."""
    named = _named_like(names, LABEL_NAMES)
    if named is not None:
        return named
    recurring = [name for name in names if len(set(map(str, table.column(name)))) <= len(table.rows) / 2]
    for candidates in (names, recurring):
        if len(candidates) == 1:
            return candidates[0]
    raise DataError(
        f"{table.name}: which column holds the labels? There are: {', '.join(table.columns)}.",
        "Say it with --label NAME.",
    )


def _named_like(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The name that is a known word, else that has one as a part, earlier words first."""
    whole = {name: {name.casefold()} for name in names}
    parts = {name: set(re.split(r"[\W_]+", name.casefold())) for name in names}
    for words in (whole, parts):
        for word in known:
            for name in names:
                if word in words[name]:
                    return name
    return None
