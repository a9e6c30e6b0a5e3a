"""What a form of data is: which columns it needs, and how their cells become inputs and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from headstart.config.schema import DataConfig
from headstart.data.table import Table


@dataclass(frozen=True)
class Row:
    """The cells that matter of one row, and where they stand.

    Attributes:
        id: ``"labels.csv:12"``.
        origin: ``"labels.csv, line 12"``.
        inputs: a cell for each input column.
        label, group: cells; None where there is no such column.
        split: of the dataset; None where the data does not say.
    """

    id: str
    origin: str
    inputs: tuple[Any, ...]
    label: Any
    group: Any
    split: str | None


@dataclass(frozen=True)
class Lack:
    """Why a row has no input, as a sentence without its place."""

    why: str


class Form(Protocol):
    """How examples of one kind are written.

    Attributes:
        noun: what inputs are called in messages: ``"images"``.
        layout: how to lay out a folder of them, as a sentence.
    """

    noun: ClassVar[str]
    layout: ClassVar[str]
    suffixes: frozenset[str]

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The columns of the input, among those that serve nothing else.

        Raises:
            DataError: none looks so.
        """
        ...

    def inputs(self, rows: Sequence[Row], root: Path) -> list[Any]:
        """The input of each row, or a `Lack`.

        Raises:
            DataError: inputs that must not be read.
        """
        ...

    def id(self, row: Row, value: Any, root: Path) -> str:
        """The name of an example: of its file, where it has one, else of its row."""
        ...

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[Any]:
        """The target of each row; None where it has none.

        Raises:
            DataError: cells that are no targets, all of them named.
        """
        ...
