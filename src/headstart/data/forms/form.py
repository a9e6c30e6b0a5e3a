"""What a form of data is: which files and columns it needs, and how cells become inputs and targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.config.schema import DataConfig
from headstart.data.table import Table
from headstart.data.table_files import READERS


@dataclass(frozen=True)
class Row:
    """The cells that matter of one row, and where they stand.

    Attributes:
        id: ``"labels.csv:12"``.
        origin: ``"labels.csv, line 12"``.
        inputs: a cell for each input column.
        labels: a cell for each column of the target; none where inputs are read alone.
        group: a cell; None where there is no such column.
        split: of the dataset; None where the data does not say.
        traits: names and cells of other columns in which few different ones recur.
    """

    id: str
    origin: str
    inputs: tuple[Any, ...]
    labels: tuple[Any, ...]
    group: Any
    split: str | None
    traits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Lack:
    """Why a row has no input, as a sentence without its place."""

    why: str


@dataclass(frozen=True)
class Form(ABC):
    """How examples of one kind are written.

    Attributes:
        noun: what inputs are called in messages: ``"images"``.
        target: what the target of one is called: ``"label"``.
        layout: how to lay out data of them, as a sentence.
        labelled: whether targets are labels, of which classes are made.
        tagged: whether these are of parts of an input, each of which has one, and not of all of it.
        class_folders: whether a folder without tables holds a folder a class.
        loose: suffixes of files that are tables, and of which a folder may hold any number.
        label_columns: of a target, at most.
        readers: of tables, by suffix.
        suffixes: of the files that are inputs, in lower case.
    """

    noun: ClassVar[str]
    target: ClassVar[str] = "label"
    layout: ClassVar[str]
    labelled: ClassVar[bool] = False
    tagged: ClassVar[bool] = False
    class_folders: ClassVar[bool] = False
    loose: ClassVar[frozenset[str]] = frozenset()
    label_columns: ClassVar[int] = 1
    readers: ClassVar[Mapping[str, Callable[[Path], Table]]] = READERS
    suffixes: frozenset[str]

    @abstractmethod
    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The columns of the input, among those that serve nothing else.

        Raises:
            DataError: none looks so.
        """

    def guess_inputs_alone(self, table: Table, root: Path) -> tuple[str, ...]:
        """The columns of the input in a table that needs no targets.

        Raises:
            DataError: none looks so.
        """
        return self.guess_inputs(table, table.columns, root)

    @abstractmethod
    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """The columns of the target.

        Args:
            table: as read.
            names: of the columns that serve nothing else.
            inputs: the columns of the input.

        Raises:
            DataError: none looks so.
        """

    @abstractmethod
    def inputs(self, rows: Sequence[Row], root: Path) -> list[Any]:
        """The input of each row, or a `Lack`.

        Raises:
            DataError: inputs that must not be read.
        """

    @abstractmethod
    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[Any]:
        """The target of each row; None where it has none.

        Raises:
            DataError: cells that are no targets, all of them named.
        """

    def id(self, row: Row, value: Any, root: Path) -> str:
        """The name of an example: of its file, where it has one, else of its row."""
        return row.id

    def group(self, row: Row, value: Any) -> str | None:
        """What the example shares with those that must stay on its side of a split.

        Numbers become texts; an empty cell is a group of its own, which is None.
        """
        cell = row.group
        return None if cell is None or cell != cell or cell == "" else str(cell)
