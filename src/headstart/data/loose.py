"""A folder of files that are tables, whatever they are called and however many, as a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.data.dataset import Dataset
from headstart.data.folders import walk_below
from headstart.data.forms.form import Form
from headstart.data.layout import split_named
from headstart.data.table_files import read_table
from headstart.data.tables import dataset_of
from headstart.errors import DataError


def read_loose(folder: Path, config: DataConfig, form: Form) -> Dataset:
    """The rows of every such file below a folder; those of top folders train, val and test are of that split.

    Args:
        folder: is searched wholly.
        config: columns.
        form: says which files, and what they hold.

    Raises:
        DataError: there are none, or one is at fault.
    """
    root = folder.resolve()
    walk = walk_below(root, form.loose)
    paths = sorted(walk.inputs)
    if not paths:
        skipped = " ".join(walk.skipped()[:5])
        raise DataError(f"{root}: no {form.noun} in this folder. {skipped}".strip(), form.layout)
    splits = [split_named(parts[0]) if len(parts) > 1 else None for parts in paths]
    by_split = "train" in splits and None not in splits
    tables = [
        (
            split if by_split else None,
            replace(read_table(root.joinpath(*parts), form.readers), name="/".join(parts)),
        )
        for split, parts in zip(splits, paths, strict=True)
    ]
    dataset = dataset_of(tables, config, form, root, "folder of files")
    return replace(dataset, skipped=(*walk.skipped(), *dataset.skipped))
