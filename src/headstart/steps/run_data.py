"""The data of a run, read again: its splits as they were, and other data read in the same way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from headstart.artifact.run import RunFolder, read_json
from headstart.config.load import load as load_config
from headstart.config.schema import Config
from headstart.contracts import Example, Task
from headstart.data.dataset import select
from headstart.data.forms.form import Form
from headstart.data.read import tables_of
from headstart.data.table_files import is_table
from headstart.errors import DataError
from headstart.steps.prepare import form_of, read_data, task_class

# Examples, and their groups by id.
Labelled = tuple[tuple[Example, ...], Mapping[str, str]]


def request_of_run(folder: RunFolder, task: Task) -> Config:
    """What a run was asked, with its task: nothing has to be told from the data once more."""
    return replace(load_config(folder.config), task=task.name)


def examples_of_run(folder: RunFolder, config: Config) -> Labelled:
    """The test split of a run, and its groups.

    Raises:
        DataError: some of it is gone.
    """
    return splits_of_run(folder, config, "test")["test"]


def splits_of_run(folder: RunFolder, config: Config, *parts: str) -> dict[str, Labelled]:
    """Some splits of a run, each with its groups, by name.

    Raises:
        DataError: some of it is gone.
    """
    record = read_json(folder.data, "splits", "groups")
    texts = record.get("texts", {})
    dataset = read_data(config)
    there = {example.id for example in dataset.examples}
    found = {}
    for part in parts:
        names = record["splits"][part]
        gone = [name for name in names if name not in there]
        if gone:
            raise DataError(
                f"{config.data.path}: {len(gone)} of {len(names)} {part} examples are gone, "
                f"such as {gone[0]}.",
                "Restore them, or name other data.",
            )
        examples = select(dataset.examples, names)
        if part in texts and texts[part] != digest_of_texts(examples):
            raise DataError(
                f"{config.data.path}: the {part} examples are not what they were when the run was made: rows "
                "have been changed, put in or taken out.",
                "Restore the table, and give what is new as other data.",
            )
        found[part] = examples, record["groups"]
    return found


def digest_of_texts(examples: Iterable[Example]) -> str:
    """sha256 of the inputs that are in a table itself, whose ids are but their lines; files are not read."""
    digest = hashlib.sha256()
    for example in examples:
        if not isinstance(example.input, Path):
            digest.update(json.dumps([example.id, example.input], default=repr).encode() + b"\n")
    return digest.hexdigest()


def other_examples(config: Config, data: Path, label: str | None = None) -> Labelled:
    """All examples of other data, read as a run's own data was, and its groups."""
    stated = replace(config.data, path=str(data))
    form = form_of(task_class(config))
    if _has_columns(data, form) != _has_columns(Path(config.data.path), form):
        # Folders have no columns, and tables no paths in which a group is searched.
        stated = replace(stated, input=None, label=None, group=None)
    stated = replace(stated, label=label or stated.label)
    dataset = read_data(replace(config, data=stated))
    groups = {example.id: example.group for example in dataset.examples if example.group is not None}
    return dataset.examples, groups


def _has_columns(data: Path, form: Form) -> bool:
    """Whether data is a table, or tables; of what is gone, its name tells."""
    return is_table(data, form.readers) or bool(tables_of(data, form.readers))
