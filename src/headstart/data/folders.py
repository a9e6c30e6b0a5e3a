"""Class folders to a dataset: the folder's name is the label. Knows nothing of pixels."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.contracts import Example
from headstart.data.dataset import Dataset
from headstart.data.forms.form import Form
from headstart.data.layout import is_hidden, is_litter, is_text, shown, some, split_named
from headstart.data.paths import is_file, leaves
from headstart.errors import DataError


@dataclass
class Walk:
    """What lies below a folder: inputs, as parts of their paths, and what was passed over."""

    inputs: list[tuple[str, ...]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    def skipped(self) -> tuple[str, ...]:
        """Reasons, first the counted ones."""
        counted = (f"{what}: {count}." for what, count in sorted(self.counts.items()) if count)
        return (*counted, *sorted(self.named))


def read_folders(root: Path, config: DataConfig, form: Form) -> Dataset:
    """The dataset of a folder of class folders, optionally below train, val and test.

    What lies deeper within a class folder belongs to it. Links to folders are not followed, and
    links to files only where they stay below the root.

    Args:
        root: a folder.
        config: ``group`` is a regular expression, searched in the path below the root: its
            first group (or else the whole match) names the example's group.
        form: which files are inputs, and what they are called.

    Raises:
        DataError: there are no class folders, a column is asked for, or the regular expression is at fault.
    """
    root = root.resolve()
    _refuse_columns(root, config)
    walk = walk_below(root, form.suffixes)
    below_splits = _has_splits(walk.inputs)
    depth = 1 if below_splits else 0
    examples: list[Example] = []
    splits: dict[str, list[str]] = {}
    pattern = _pattern(config.group)
    for parts in sorted(walk.inputs):
        id = "/".join(parts)
        split = split_named(parts[0]) if below_splits else None
        if len(parts) < depth + 2 or (below_splits and split is None):
            walk.counts[f"{form.noun} outside of class folders"] += 1
            continue
        examples.append(Example(id, root.joinpath(*parts), parts[depth], _group(pattern, id), id))
        if split is not None:
            splits.setdefault(split, []).append(id)
    _refuse_other_layouts(root, walk, examples, form)
    _refuse_idle_pattern(config.group, examples)
    return Dataset(
        examples=tuple(sorted(examples, key=lambda example: example.id)),
        root=root,
        layout="class folders",
        splits={split: tuple(sorted(ids)) for split, ids in splits.items()},
        skipped=walk.skipped(),
    )


def walk_below(root: Path, suffixes: frozenset[str]) -> Walk:
    """Every input below a root, and why the other files were passed over."""
    walk = Walk()

    def unlisted(error: OSError) -> None:
        walk.named.append(f"{shown(error.filename)}: the folder cannot be listed: {error.strerror}.")

    for folder, folders, files in os.walk(root, onerror=unlisted):
        here = Path(folder)
        for name in [name for name in folders if is_hidden(name) or (here / name).is_symlink()]:
            folders.remove(name)
            if not is_hidden(name):
                walk.named.append(f"{_below(root, here / name)}: links to folders are not followed.")
            elif not (here / name).is_symlink():
                walk.counts["files in hidden folders"] += _hidden_inputs(here / name, suffixes)
        if not folders and not files:
            walk.named.append(f"{_below(root, here)}: the folder is empty.")
        for name in files:
            path = here / name
            if is_hidden(name):
                walk.counts["hidden files"] += _is_missed(name, suffixes)
            elif path.suffix.casefold() not in suffixes:
                walk.counts[f"files '*{shown(path.suffix)}' of another kind"] += 1
            elif problem := _problem(path, root):
                walk.named.append(f"{_below(root, path)}: {problem}")
            else:
                walk.inputs.append(path.relative_to(root).parts)
    return walk


def _hidden_inputs(folder: Path, suffixes: frozenset[str]) -> int:
    """How many files below a hidden folder would else be inputs."""
    return sum(_is_missed(name, suffixes) for *_, files in os.walk(folder) for name in files)


def _is_missed(name: str, suffixes: frozenset[str]) -> bool:
    """Whether somebody may miss a hidden file: what a system leaves behind is nobody's input."""
    return Path(name).suffix.casefold() in suffixes and not is_litter(name)


def _problem(path: Path, root: Path) -> str | None:
    """Why a file that looks like an input is passed over."""
    if not is_text(str(path.relative_to(root))):
        return "the name is not valid UTF-8; rename it."
    if not is_file(path):
        return "the link leads nowhere." if path.is_symlink() else "it is no file, but a pipe or a device."
    if path.is_symlink() and leaves(root, path):
        return "the link leads out of the data folder; copy the file instead."
    return None


def _below(root: Path, path: Path) -> str:
    return shown(path.relative_to(root).as_posix())


def _has_splits(inputs: Iterable[tuple[str, ...]]) -> bool:
    """Whether the top folders are splits, rather than classes of which one is called "train".

    They are where each is named like a split, or at least two are, one of them "train"; and
    where class folders are in them.
    """
    nested = {parts[0] for parts in inputs if len(parts) > 2}
    tops = {parts[0] for parts in inputs if len(parts) > 1}
    splits = {split_named(name) for name in nested} - {None}
    return bool(splits) and (all(map(split_named, tops)) or ("train" in splits and len(splits) > 1))


def _refuse_columns(root: Path, config: DataConfig) -> None:
    problems = [
        f"data.{service}: '{name}' names a column, but class folders have none."
        for service, name in {"input": config.input, "label": config.label}.items()
        if name is not None
    ]
    if problems:
        raise DataError.listed(str(root), problems, "Leave it out, or give a table.")


def _pattern(expression: str | None) -> re.Pattern[str] | None:
    if expression is None:
        return None
    try:
        return re.compile(expression)
    except re.error as error:
        raise DataError(
            f"data.group: '{expression}' is no regular expression: {error}.",
            r"For class folders it is searched in each path, such as 'patient(\d+)'.",
        ) from error


def _group(pattern: re.Pattern[str] | None, id: str) -> str | None:
    match = pattern.search(id) if pattern else None
    if match is None:
        return None
    return match.group(1) if match.re.groups else match.group()


def _refuse_idle_pattern(expression: str | None, examples: Sequence[Example]) -> None:
    if expression is not None and all(example.group is None for example in examples):
        raise DataError(
            f"data.group: '{expression}' is found in no path, such as '{examples[0].id}'.",
            r"For class folders it is a regular expression, such as 'patient(\d+)'.",
        )


def _refuse_other_layouts(root: Path, walk: Walk, examples: Sequence[Example], form: Form) -> None:
    """Folders that hold no examples, or hold them one level deeper."""
    if not examples and walk.inputs:
        raise DataError(f"{root}: {len(walk.inputs)} {form.noun}, but no class folders.", form.layout)
    if not examples:
        skipped = " ".join(walk.skipped()[:5])
        raise DataError(f"{root}: no {form.noun} in this folder. {skipped}".strip(), form.layout)
    inner = {parts[:2] for parts in walk.inputs if len(parts) > 2}
    top = walk.inputs[0][0]
    deeper = all(parts[0] == top and len(parts) > 2 for parts in walk.inputs)
    if deeper and len(inner) > 1 and split_named(top) is None:
        raise DataError(
            f"{root}: there is one folder, '{top}', with {len(inner)} folders in it: "
            f"{some(sorted(name for _, name in inner))}.",
            f"Give that folder instead: {root / top}",
        )
