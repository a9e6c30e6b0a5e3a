"""Whatever the user points at, read as a dataset. Decodes no input."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.data.dataset import Dataset
from headstart.data.folders import read_folders
from headstart.data.forms.form import Form
from headstart.data.layout import is_hidden, some, split_named
from headstart.data.loose import read_loose
from headstart.data.table_files import READERS
from headstart.data.tables import read_tables
from headstart.errors import ConfigError, DataError, did_you_mean

_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"})


def read(path: Path, config: DataConfig, form: Form) -> Dataset:
    """The examples in a table, a folder of tables named by split, or of class folders or loose files.

    Args:
        path: the folder or the table; or what tables named ``PATH.train.csv``, ``PATH.test.csv`` begin with.
        config: columns, labels and groups as stated; what is None is guessed.
        form: what files and cells mean.

    Raises:
        DataError: the data cannot be read; the message names the file, row or column.
        MissingExtra: the table's format needs a package that is not installed.
    """
    if not config.separator:
        raise ConfigError("data.separator: must not be empty.")
    try:
        return replace(_read(path, config, form), name=str(path))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error


def _read(path: Path, config: DataConfig, form: Form) -> Dataset:
    tables = tables_of(path, form.readers)
    if tables:
        return read_tables(tables, config, form)
    if path.is_dir():
        return _folder(path, config, form)
    if not path.exists():
        near = _nearest(path, form.readers)
        raise DataError(f"{path}: there is no such file or folder.{near}")
    if path.suffix.casefold() in _ARCHIVES:
        raise DataError(f"{path}: archives are not read.", "Unpack it, and give the folder.")
    if path.suffix.casefold() in form.suffixes:
        raise DataError(f"{path}: this is one example, not a data set.", "Give the folder of class folders.")
    raise DataError(
        f"{path}: '{path.suffix}' is no kind of table that is known.",
        f"Give {'a folder of class folders, or ' * form.class_folders}a table: {', '.join(form.readers)}.",
    )


def tables_of(path: Path, suffixes: Collection[str] = READERS) -> dict[str | None, Path]:
    """The tables that a path names, by split, training first; one without splits by None; empty for none.

    Args:
        path: as `read` takes it.
        suffixes: of tables.

    Raises:
        DataError: several tables are of one split, or the tables are of several sets.
    """
    if path.is_dir():
        return _tables_by_split(path, suffixes)
    if path.is_file():
        return {None: path} if path.suffix.casefold() in suffixes else {}
    own = _sets(path.parent, suffixes).get(path.name, {}) if path.name and path.parent.is_dir() else {}
    return _one_each(path, own)


def _nearest(path: Path, suffixes: Collection[str]) -> str:
    """The name beside it that was probably meant."""
    if not path.parent.is_dir():
        return ""
    return did_you_mean(path.name, [*_names(path.parent), *filter(None, _sets(path.parent, suffixes))])


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not is_hidden(entry.name))


def _tables(folder: Path, suffixes: Collection[str]) -> list[Path]:
    return [path for name in _names(folder) if (path := folder / name).suffix.casefold() in suffixes]


def _tables_by_split(folder: Path, suffixes: Collection[str]) -> dict[str | None, Path]:
    """The tables of a folder that are named like splits: ``train.csv``, or ``NAME.train.csv``."""
    sets = _sets(folder, suffixes)
    plain = sets.pop("", {})
    if plain or not sets:
        return _one_each(folder, plain)
    if len(sets) > 1:
        raise DataError(
            f"{folder}: the tables are of {len(sets)} data sets: {some(sorted(sets))}.",
            f"Say which: {folder / min(sets)}",
        )
    return _one_each(folder, next(iter(sets.values())))


def _sets(folder: Path, suffixes: Collection[str]) -> dict[str, dict[str, list[Path]]]:
    """Tables named by split, by what stands before the split's name."""
    sets: dict[str, dict[str, list[Path]]] = {}
    for table in _tables(folder, suffixes):
        before, _, last = table.stem.rpartition(".")
        if split := split_named(last):
            sets.setdefault(before, {}).setdefault(split, []).append(table)
    return sets


def _one_each(place: Path, found: Mapping[str, Sequence[Path]]) -> dict[str | None, Path]:
    tables: dict[str | None, Path] = {}
    for split in ("train", "val", "test"):
        same = found.get(split, ())
        if len(same) > 1:
            raise DataError(
                f"{place}: {' and '.join(table.name for table in same)} are both '{split}'.",
                "Keep one of them.",
            )
        if same:
            tables[split] = same[0]
    return tables


def _folder(folder: Path, config: DataConfig, form: Form) -> Dataset:
    """A folder without tables named by split; where there is one table, the message points at it."""
    try:
        if form.class_folders:
            return read_folders(folder, config, form)
        return read_loose(folder, config, form)
    except DataError as error:
        tables = _tables(folder, form.readers)
        if len(tables) != 1 or tables[0].suffix.casefold() in form.loose:
            raise
        raise DataError(
            error.cause, f"If the {form.target}s are in the table, give it: {tables[0]}"
        ) from error
