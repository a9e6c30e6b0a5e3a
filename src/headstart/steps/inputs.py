"""What a user asks to have predicted, as files in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from headstart.errors import DataError


def listed(inputs: Iterable[str], suffixes: frozenset[str]) -> Iterator[list[Path] | DataError]:
    """Files as they are named, neighbours together; of a folder, all inputs in it and below, sorted.

    Args:
        inputs: names of files and folders.
        suffixes: of the files in a folder that are inputs, in lower case.

    Yields:
        Paths, or why there are none.
    """
    single: list[Path] = []
    for name in inputs:
        path = Path(name)
        if not _is_folder(name):
            single.append(path)
            continue
        if single:
            yield single
            single = []
        files = [
            file for file in sorted(path.rglob("*")) if file.suffix.lower() in suffixes and file.is_file()
        ]
        if not files:
            yield DataError(
                f"{name}: has no file that can be predicted.", f"Looked for {', '.join(sorted(suffixes))}."
            )
        else:
            yield files
    if single:
        yield single


def _is_folder(name: str) -> bool:
    """Whether there is such a folder: not for an empty name, nor for one that can be no path."""
    try:
        return bool(name) and Path(name).is_dir()
    except OSError:
        return False
