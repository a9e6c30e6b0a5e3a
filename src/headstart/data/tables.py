"""Tables of paths and labels to a dataset. Knows nothing of file formats or pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headstart.config.schema import DataConfig
from headstart.contracts import Example
from headstart.data.columns import Columns, choose, require
from headstart.data.dataset import Dataset
from headstart.data.layout import shown, split_named
from headstart.data.paths import Outside, locate
from headstart.data.table import Table
from headstart.data.table_files import read_table
from headstart.data.targets import Target, targets
from headstart.errors import DataError


@dataclass(frozen=True)
class _Row:
    """The cells that matter of one row, and where they stand."""

    id: str
    origin: str
    cell: Any
    label: Any
    group: Any
    split: str | None


def read_tables(files: Mapping[str | None, Path], config: DataConfig, suffixes: frozenset[str]) -> Dataset:
    """The dataset of one table, or of one table a split.

    Paths are relative to the tables' folder; a path without a suffix is tried with the known
    ones. Rows without a label or without their file are passed over and listed.

    Args:
        files: tables by split; the one table of a dataset without splits by None.
        config: columns and labels.
        suffixes: of the files that are inputs.

    Raises:
        DataError: a table is at fault, names no files, or names files outside of its folder.
        MissingExtra: a format needs a package that is not installed.
    """
    tables = {split: read_table(path) for split, path in files.items()}
    root = next(iter(files.values())).parent.resolve()
    columns = _columns(list(tables.values()), config, root, suffixes)
    if None not in files:
        columns = replace(columns, split=None)  # the files tell the split
    rows = [row for split, table in tables.items() for row in _rows(table, columns, split)]
    paths = _paths(rows, root, suffixes)
    labels = targets([row.label for row in rows], [row.origin for row in rows], config)
    skipped = _passed_over(rows, paths, labels, columns, root=root, allowed=config.max_unreadable)
    examples: dict[str, Example] = {}
    splits: dict[str, list[str]] = {}
    for row, path, target in zip(rows, paths, labels, strict=True):
        if path is None or target is None:
            continue
        name = path.relative_to(root).as_posix()
        # A file that several rows name is several examples; later ones are called by row.
        id = row.id if name in examples else name
        examples[id] = Example(id, path, target, _group(row.group), row.origin)
        if row.split:
            splits.setdefault(row.split, []).append(id)
    return Dataset(
        examples=tuple(examples[id] for id in sorted(examples)),
        root=root,
        layout="table" if None in files else "folder of tables",
        splits={split: tuple(sorted(ids)) for split, ids in splits.items()},
        columns=columns.named(),
        skipped=skipped,
    )


def _columns(tables: list[Table], config: DataConfig, root: Path, suffixes: frozenset[str]) -> Columns:
    """Chosen by the first table, and required of the others."""

    def finds(cell: Any) -> bool:
        try:
            path = locate(cell, root, suffixes)
        except Outside:
            return False
        return path is not None and path.suffix.casefold() in suffixes

    columns = choose(tables[0], config, finds)
    for table in tables[1:]:
        require(table, {"input": columns.input, "label": columns.label, "group": columns.group})
    return columns


def _rows(table: Table, columns: Columns, split: str | None) -> list[_Row]:
    empty = [None] * len(table.rows)
    groups = table.column(columns.group) if columns.group else empty
    splits = table.column(columns.split) if columns.split else empty
    cells = zip(table.column(columns.input), table.column(columns.label), groups, splits, strict=True)
    return [
        _Row(
            id=f"{table.name}:{table.numbers[index]}",
            origin=table.where(index),
            cell=cell,
            label=label,
            group=group,
            split=split_named(own) if own else split,
        )
        for index, (cell, label, group, own) in enumerate(cells)
    ]


def _paths(rows: Sequence[_Row], root: Path, suffixes: frozenset[str]) -> list[Path | None]:
    """The file of each row, None where there is none; paths that lead out of the root are refused."""
    paths: list[Path | None] = []
    outside: list[str] = []
    for row in rows:
        try:
            paths.append(locate(row.cell, root, suffixes))
        except Outside as error:
            outside.append(f"{row.origin}: {error}")
    if outside:
        raise DataError.listed(
            str(root),
            outside,
            "Keep the files below the table's folder, and write paths relative to it.",
        )
    return paths


def _passed_over(
    rows: Sequence[_Row],
    paths: Sequence[Path | None],
    labels: Sequence[Target | None],
    columns: Columns,
    *,
    root: Path,
    allowed: float,
) -> tuple[str, ...]:
    """Rows without file or label, as sentences; too many of them are refused."""
    missing = [
        f"{row.origin}: there is no file '{shown(row.cell)}'."
        for row, path in zip(rows, paths, strict=True)
        if path is None
    ]
    if len(missing) > allowed * len(rows):
        raise DataError.listed(
            str(root),
            missing,
            f"Column '{columns.input}' is read as paths relative to the table's folder; "
            "say another with --set data.input=NAME.",
        )
    unlabelled = [
        f"{row.origin}: no label in column '{columns.label}'."
        for row, path, label in zip(rows, paths, labels, strict=True)
        if path is not None and label is None
    ]
    if len(missing) + len(unlabelled) == len(rows):
        raise DataError(
            f"{root}: column '{columns.label}' is empty in every row.", "Say the column with --label NAME."
        )
    return (*missing, *unlabelled)


def _group(cell: Any) -> str | None:
    """A group's name, numbers as text; None where the cell is empty, for a group of its own."""
    return None if cell is None or cell != cell or cell == "" else str(cell)
