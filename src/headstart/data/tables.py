"""Tables to a dataset. Knows nothing of file formats, nor what inputs and targets are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.config.schema import DataConfig
from headstart.contracts import Example
from headstart.data.columns import Columns, choose
from headstart.data.dataset import Dataset
from headstart.data.forms.form import Form, Lack, Row
from headstart.data.layout import split_named
from headstart.data.table import Table
from headstart.data.table_files import read_table
from headstart.data.traits import Traits, traits_of
from headstart.errors import DataError


def read_tables(files: Mapping[str | None, Path], config: DataConfig, form: Form) -> Dataset:
    """The dataset of one table, or of one table a split.

    Rows without a target or without an input are passed over and listed.

    Args:
        files: tables by split; the one table of a dataset without splits by None.
        config: columns and labels.
        form: what the cells mean.

    Raises:
        DataError: a table is at fault, or its cells are.
        MissingExtra: a format needs a package that is not installed.
    """
    tables = [(split, read_table(path, form.readers)) for split, path in files.items()]
    root = next(iter(files.values())).parent.resolve()
    return dataset_of(tables, config, form, root, "table" if None in files else "folder of tables")


def dataset_of(
    tables: Sequence[tuple[str | None, Table]], config: DataConfig, form: Form, root: Path, layout: str
) -> Dataset:
    """The dataset of some tables with their splits; None where the rows may tell them, or nothing does.

    Raises:
        DataError: the tables lack columns, or their cells are at fault.
    """
    (told, first), *others = tables
    columns = choose(first, config, form, root)
    for _, table in others:
        columns.missing_in(table)
    if told is not None:
        columns = replace(columns, split=None)  # the files tell the split
    used = columns.used()
    rows = [row for split, table in tables for row in _rows(table, columns, split, traits_of(table, used))]
    inputs = form.inputs(rows, root)
    targets = form.targets(rows, config)
    skipped = _passed_over(rows, inputs, targets, columns, root=root, config=config, form=form)
    examples: dict[str, Example] = {}
    splits: dict[str, list[str]] = {}
    for row, value, target in zip(rows, inputs, targets, strict=True):
        if isinstance(value, Lack) or target is None:
            continue
        name = form.id(row, value, root)
        # A file that several rows name is several examples; later ones are called by row.
        id = row.id if name in examples else name
        examples[id] = Example(id, value, target, form.group(row, value), row.origin, row.traits)
        if row.split:
            splits.setdefault(row.split, []).append(id)
    return Dataset(
        examples=tuple(examples[id] for id in sorted(examples)),
        root=root,
        layout=layout,
        splits={split: tuple(sorted(ids)) for split, ids in splits.items()},
        columns=columns.named(),
        skipped=skipped,
        labelled=form.labelled,
        tagged=form.tagged,
    )


def read_inputs(path: Path, form: Form, columns: Sequence[str] = ()) -> list[tuple[str, Any]]:
    """The inputs of a table without labels: the place of each row, and its input or a `Lack`.

    Args:
        path: of the table.
        form: what the cells mean.
        columns: of the inputs, where the table has all of them; else they are guessed.
    """
    table, root = read_table(path, form.readers), path.parent.resolve()
    if not columns or not set(columns) <= set(table.columns):
        columns = form.guess_inputs_alone(table, root)
    rows = _rows(table, Columns(tuple(columns)), None)
    return [(row.id, value) for row, value in zip(rows, form.inputs(rows, root), strict=True)]


def _rows(
    table: Table, columns: Columns, split: str | None, traits: Sequence[Traits] | None = None
) -> list[Row]:
    def cells(name: str | None) -> list[Any]:
        return table.column(name) if name else [None] * len(table.rows)

    def together(names: Sequence[str]) -> list[tuple[Any, ...]]:
        """The cells of several columns, by row."""
        return list(zip(*map(table.column, names), strict=True)) if names else [()] * len(table.rows)

    inputs, labels = together(columns.inputs), together(columns.labels)
    found = zip(inputs, labels, cells(columns.group), cells(columns.split), strict=True)
    return [
        Row(
            id=f"{table.name}:{table.numbers[index]}",
            origin=table.where(index),
            inputs=own,
            labels=own_labels,
            group=group,
            split=split_named(told) if told else split,
            traits=traits[index] if traits else (),
        )
        for index, (own, own_labels, group, told) in enumerate(found)
    ]


def _passed_over(
    rows: Sequence[Row],
    inputs: Sequence[Any],
    targets: Sequence[Any],
    columns: Columns,
    *,
    root: Path,
    config: DataConfig,
    form: Form,
) -> tuple[str, ...]:
    """Rows without input or target, as sentences; too many of the former are refused."""
    missing = [
        f"{row.origin}: {value.why}"
        for row, value in zip(rows, inputs, strict=True)
        if isinstance(value, Lack)
    ]
    if len(missing) > config.max_unreadable * len(rows):
        raise DataError.listed(
            str(root),
            missing,
            f"The inputs are read in column '{','.join(columns.inputs)}'; say another with "
            "--set data.input=NAME. data.max_unreadable allows more of these.",
        )
    label = ",".join(columns.labels)
    unlabelled = [
        f"{row.origin}: no {form.target} in column '{label}'."
        for row, value, target in zip(rows, inputs, targets, strict=True)
        if not isinstance(value, Lack) and target is None
    ]
    if len(missing) + len(unlabelled) == len(rows):
        raise DataError(
            f"{root}: column '{label}' is empty in every row.", "Say the column with --label NAME."
        )
    return (*missing, *unlabelled)
