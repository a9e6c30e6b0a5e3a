"""Which column of a table serves as what: as stated, else guessed. Knows no labels' meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.data.forms.form import Form
from headstart.data.layout import shown, split_named
from headstart.data.table import Table
from headstart.errors import DataError, did_you_mean

_SPLIT_NAMES = ("split", "subset", "partition")


@dataclass(frozen=True)
class Columns:
    """Names of columns by their service; None where there is none."""

    inputs: tuple[str, ...]
    labels: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None

    def named(self) -> dict[str, str]:
        """Service to name, of those there are; several of one service joined by commas."""
        services = {
            "input": ",".join(self.inputs) or None,
            "label": ",".join(self.labels) or None,
            "group": self.group,
            "split": self.split,
        }
        return {service: name for service, name in services.items() if name is not None}

    def used(self) -> set[str]:
        """Names of all that serve as something."""
        return {*self.inputs, *self.labels} | {name for name in (self.group, self.split) if name}

    def missing_in(self, table: Table) -> None:
        """Refuse a table that lacks one of them.

        Raises:
            DataError: with all that it lacks.
        """
        require(table, _wanted(self.inputs, self.labels, self.group))


def choose(table: Table, config: DataConfig, form: Form, root: Path) -> Columns:
    """The columns of a table.

    Args:
        table: as read.
        config: columns that it states are taken; the others are guessed.
        form: guesses them among columns that serve nothing else.
        root: of the data.

    Raises:
        DataError: a stated column is not there, or none can be guessed.
    """
    inputs = _stated(table, config.input)
    labels = _stated(table, config.label)
    if len(labels) > form.label_columns:
        labels = (str(config.label),)
    require(table, _wanted(inputs, labels, config.group))
    split = next((name for name in table.columns if _splits(table, name)), None)
    left = [name for name in table.columns if name not in (config.group, split)]
    if not inputs:
        inputs = form.guess_inputs(table, [name for name in left if name not in labels], root)
    if not labels:
        labels = form.guess_label(table, [name for name in left if name not in inputs], inputs)
    return Columns(inputs, labels, config.group, split)


def _stated(table: Table, stated: str | None) -> tuple[str, ...]:
    """One name, or several joined by commas; a name that holds a comma itself is one."""
    if stated is None:
        return ()
    return (stated,) if stated in table.columns else tuple(part.strip() for part in stated.split(","))


def _wanted(inputs: Sequence[str], labels: Sequence[str], group: str | None) -> list[tuple[str, str | None]]:
    """Service and name of columns that must be there."""
    return [*(("input", name) for name in inputs), *(("label", name) for name in labels), ("group", group)]


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
