"""Whatever the user points at, read as a dataset. Decodes no input."""

from __future__ import annotations

from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.data.dataset import Dataset
from headstart.data.folders import read_folders
from headstart.data.layout import is_hidden, split_named
from headstart.data.table_files import READERS, is_table
from headstart.data.tables import read_tables
from headstart.errors import ConfigError, DataError, did_you_mean

_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"})


def read(path: Path, config: DataConfig, suffixes: frozenset[str]) -> Dataset:
    """The examples in a folder of class folders, a table, or a folder of tables named by split.

    Args:
        path: the folder or the table.
        config: columns, labels and groups as stated; what is None is guessed.
        suffixes: of the files that are inputs, in lower case: ``{".jpg", ".png"}``.

    Raises:
        DataError: the data cannot be read; the message names the file, row or column.
        MissingExtra: the table's format needs a package that is not installed.
    """
    if not config.separator:
        raise ConfigError("data.separator: must not be empty.")
    try:
        return _read(path, config, suffixes)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error


def _read(path: Path, config: DataConfig, suffixes: frozenset[str]) -> Dataset:
    if path.is_dir():
        tables = _tables_by_split(path)
        if tables:
            return read_tables(tables, config, suffixes)
        return _folders(path, config, suffixes)
    if not path.exists():
        near = did_you_mean(path.name, _names(path.parent)) if path.parent.is_dir() else ""
        raise DataError(f"{path}: there is no such file or folder.{near}")
    if is_table(path):
        return read_tables({None: path}, config, suffixes)
    if path.suffix.casefold() in _ARCHIVES:
        raise DataError(f"{path}: archives are not read.", "Unpack it, and give the folder.")
    if path.suffix.casefold() in suffixes:
        raise DataError(f"{path}: this is one example, not a data set.", "Give the folder of class folders.")
    raise DataError(
        f"{path}: '{path.suffix}' is no kind of table that is known.",
        f"Give a folder of class folders, or a table: {', '.join(READERS)}.",
    )


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not is_hidden(entry.name))


def _tables(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder) if is_table(folder / name)]


def _tables_by_split(folder: Path) -> dict[str | None, Path]:
    """The tables of a folder that are named like splits, training first."""
    named = [(split, table) for table in _tables(folder) if (split := split_named(table.stem))]
    tables: dict[str | None, Path] = {}
    for wanted in ("train", "val", "test"):
        same = [table for split, table in named if split == wanted]
        if len(same) > 1:
            raise DataError(
                f"{folder}: {' and '.join(table.name for table in same)} are both '{wanted}'.",
                "Keep one of them.",
            )
        if same:
            tables[wanted] = same[0]
    return tables


def _folders(folder: Path, config: DataConfig, suffixes: frozenset[str]) -> Dataset:
    """Class folders; where there are none but a table, the message points at it."""
    try:
        return read_folders(folder, config, suffixes)
    except DataError as error:
        tables = _tables(folder)
        if len(tables) == 1:
            raise DataError(error.cause, f"If the labels are in the table, give it: {tables[0]}") from error
        raise
