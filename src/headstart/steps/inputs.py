"""What a user asks to have predicted, in order: files, what folders and tables hold; texts as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from headstart.artifact.model import Model
from headstart.data.forms.form import Form, Lack
from headstart.data.table_files import is_table
from headstart.data.tables import read_inputs
from headstart.errors import DataError
from headstart.steps.prepare import form_of

Named = tuple[str, Any]


def listed(inputs: Iterable[str], model: Model) -> Iterator[list[Named] | DataError]:
    """Inputs as they are named, neighbours together; of a folder or table, all that it holds.

    Args:
        inputs: names of files, folders and tables; texts, where the model reads them.
        model: that is to predict them.

    Yields:
        Names and what the model takes, or why there is nothing.
    """
    form = form_of(model.task)
    single: list[Named] = []
    for name in inputs:
        if _is(name, Path.is_dir):
            several = _in_folder(Path(name), model)
        elif _is(name, Path.is_file) and _is_table(Path(name), form):
            several = _in_table(Path(name), form, model)
        elif not _is(name, Path.exists) and _names_a_file(name, form, model):
            several = iter([DataError(f"{name}: there is no such file.", "Correct the name.")])
        else:
            is_text = model.family == "text" and not _is(name, Path.is_file)
            single.append((name, name if is_text else Path(name)))
            continue
        if single:
            yield single
            single = []
        yield from several
    if single:
        yield single


def _in_folder(folder: Path, model: Model) -> Iterator[list[Named] | DataError]:
    """Its inputs and those below it, sorted."""
    files = [
        file for file in sorted(folder.rglob("*")) if file.suffix.lower() in model.suffixes and file.is_file()
    ]
    if files:
        yield [(str(file), file) for file in files]
    else:
        yield DataError(
            f"{folder}: has no file that can be predicted.",
            f"Looked for {', '.join(sorted(model.suffixes))}.",
        )


def _names_a_file(name: str, form: Form, model: Model) -> bool:
    """Whether a text is one word that ends as files do which can be read: it is hardly meant as it stands."""
    if model.family != "text":
        return False
    known = {*model.suffixes, *form.readers}
    return len(name.split()) == 1 and Path(name).suffix.casefold() in known


def _is_table(path: Path, form: Form) -> bool:
    """Whether a file has many inputs: one that may be an input itself is that."""
    return path.suffix.casefold() not in form.suffixes and is_table(path, form.readers)


def _in_table(path: Path, form: Form, model: Model) -> Iterator[list[Named] | DataError]:
    """Its rows, those without an input as errors."""
    try:
        rows = read_inputs(path, form, model.facts.get("columns", ()))
    except DataError as error:
        yield error
        return
    yield [(name, value) for name, value in rows if not isinstance(value, Lack)]
    for name, value in rows:
        if isinstance(value, Lack):
            yield DataError(f"{name}: {value.why.rstrip('.')}.", "Correct the row, or leave it out.")


def _is(name: str, kind: Any) -> bool:
    """Whether there is such a file or folder: not for what can be no path, as a long text."""
    try:
        return bool(name) and bool(kind(Path(name)))
    except (OSError, ValueError):
        return False
