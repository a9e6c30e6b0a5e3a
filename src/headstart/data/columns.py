"""Which column of a table serves as what: as stated, else guessed. Knows no labels' meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headstart.config.schema import DataConfig
from headstart.data.layout import shown, split_named
from headstart.data.table import Table
from headstart.errors import DataError, did_you_mean

LABEL_NAMES = (
    "label", "labels", "class", "classes", "target", "category", "categories", "tags", "tag", "intent",
    "sentiment", "emotion", "topic", "polarity", "y",
)  # fmt: skip
_SPLIT_NAMES = ("split", "subset", "partition")


@dataclass(frozen=True)
class Columns:
    """Names of columns by their service; None where there is none."""

    inputs: tuple[str, ...]
    label: str | None
    group: str | None = None
    split: str | None = None

    def named(self) -> dict[str, str]:
        """Service to name, of those there are; several inputs joined by commas."""
        services = {
            "input": ",".join(self.inputs) or None,
            "label": self.label,
            "group": self.group,
            "split": self.split,
        }
        return {service: name for service, name in services.items() if name is not None}

    def missing_in(self, table: Table) -> None:
        """Refuse a table that lacks one of them.

        Raises:
            DataError: with all that it lacks.
        """
        require(
            table, [*(("input", name) for name in self.inputs), ("label", self.label), ("group", self.group)]
        )


def choose(
    table: Table, config: DataConfig, guess_inputs: Callable[[Sequence[str]], tuple[str, ...]]
) -> Columns:
    """The columns of a table.

    Args:
        table: as read.
        config: columns that it states are taken; the others are guessed.
        guess_inputs: names the inputs among columns that serve nothing else.

    Raises:
        DataError: a stated column is not there, or none can be guessed.
    """
    stated = _stated_inputs(table, config.input)
    require(table, [*(("input", name) for name in stated), ("label", config.label), ("group", config.group)])
    split = next((name for name in table.columns if _splits(table, name)), None)
    taken = {config.label, config.group, split}
    inputs = stated or guess_inputs([name for name in table.columns if name not in taken])
    taken = {*inputs, config.group, split}
    label = config.label or _guess_label(table, [name for name in table.columns if name not in taken])
    return Columns(inputs, label, config.group, split)


def _stated_inputs(table: Table, stated: str | None) -> tuple[str, ...]:
    """One name, or several joined by commas; a name that holds a comma itself is one."""
    if stated is None:
        return ()
    parts = tuple(part.strip() for part in stated.split(","))
    return (stated,) if stated in table.columns else parts


def require(table: Table, wanted: Sequence[tuple[str, str | None]]) -> None:
    """Refuse names that a table has not, all at once.

    Args:
        table: as read.
        wanted: service and name, None where none is wanted.
    """
    problems = [
        f"no column '{name}' (data.{service}).{did_you_mean(name, table.columns)}"
        for service, name in wanted
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


def _guess_label(table: Table, names: Sequence[str]) -> str:
    """The column named like labels; else the only one left; else the only one whose cells recur."""
    named = named_like(names, LABEL_NAMES)
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


def named_like(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The name that is a known word, else that has one as a part, earlier words first."""
    whole = {name: {name.casefold()} for name in names}
    parts = {name: set(re.split(r"[\W_]+", name.casefold())) for name in names}
    for words in (whole, parts):
        for word in known:
            for name in names:
                if word in words[name]:
                    return name
    return None
