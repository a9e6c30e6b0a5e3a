"""The labelled examples that a saved model is scored on: of the run around it, or of other data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headstart.artifact.bundle import bundle_folder
from headstart.artifact.model import Model
from headstart.config.schema import Config, DataConfig
from headstart.contracts import Example
from headstart.data.read import tables_of
from headstart.data.table_files import read_table
from headstart.errors import DataError, RequestError, counted
from headstart.steps.prepare import form_of
from headstart.steps.run_data import Labelled, examples_of_run, other_examples, request_of_run
from headstart.steps.service import run_around


def examples_for(path: Path, model: Model, data: Path | None, *, label: str | None = None) -> Labelled:
    """Labelled examples for a model, and their groups.

    Args:
        path: of a run folder, a bundle or an export.
        model: that is there.
        data: read as the run's own data was; where no run is around the model, by what the model itself
            knows. None is the run's test split.
        label: column of `data` with the labels, where it is not that of the run's data.

    Raises:
        RequestError: the test split is asked for, and no run is around the model.
        DataError: the data is gone, cannot be read, or has single texts where the model reads pairs.
    """
    run = run_around(bundle_folder(path).resolve())
    if run and not run.data.is_file():
        # A config.toml alone may be that of anything.
        run = None
    if data is not None:
        config = request_of_run(run, model.task) if run else _request_of(model, data)
        examples, groups = other_examples(config, data, label)
        _refuse_other_parts(model, examples)
        return examples, groups
    if run is None:
        raise RequestError(
            f"{path}: no run is around it, so its test split is not known.",
            f"Name labelled data: headstart evaluate {path} DATA",
        )
    return examples_of_run(run, request_of_run(run, model.task))


def _request_of(model: Model, data: Path) -> Config:
    """How a model alone has data read: for its task, by the columns of its inputs where they are there."""
    form = form_of(model.task)
    columns = model.facts.get("columns") or ()
    table = next(iter(tables_of(data, form.readers).values()), None)
    named = table is not None and set(columns) <= set(read_table(table, form.readers).columns)
    own = DataConfig(
        path=str(data),
        input=",".join(columns) if columns and named else None,
        multi_label=model.task.multi_label,
    )
    return Config(data=own, task=model.task.name)


def _refuse_other_parts(model: Model, examples: Sequence[Example]) -> None:
    """Single texts where a model reads pairs, or pairs where it reads single ones; data is all alike."""
    columns = model.facts.get("columns") or ["text"]
    if not model.modality.paired or not examples:
        return
    first = examples[0]
    parts = len(first.input) if isinstance(first.input, tuple) else 1
    if parts != len(columns):
        raise DataError(
            f"{first.origin or first.id}: has {counted(parts, 'text')}, but the model was trained on "
            f"{counted(len(columns), 'text')} an example ({', '.join(columns)}).",
            "Give a table with these columns.",
        )
