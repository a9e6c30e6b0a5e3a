"""Paths as data writes them, to files below a root and nowhere else. Reads no file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from headstart.data.layout import is_text, shown


class Outside(Exception):
    """A path that leads out of the root; the message is a sentence that says how."""


def locate(cell: Any, root: Path, suffixes: frozenset[str]) -> Path | None:
    """The file that a cell names; None where there is none.

    Args:
        cell: a path relative to the root, with either slash; its suffix may be left out.
        root: resolved.
        suffixes: tried, in alphabetical order, where the path has none.

    Raises:
        Outside: the path is absolute, goes up out of the root, or is a link that does.
    """
    if isinstance(cell, int):
        cell = str(cell)
    if not isinstance(cell, str) or not is_text(cell) or not cell.strip():
        return None
    written = cell.strip()
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).is_absolute():
        raise Outside(f"the path '{shown(written)}' is absolute.")
    path = root / written.replace("\\", "/")
    if _goes_up(path.relative_to(root)):
        raise Outside(f"the path '{shown(written)}' leads out of the folder.")
    endings = ("",) if path.suffix else ("", *sorted(suffixes))
    found = next((named for ending in endings if is_file(named := path.parent / (path.name + ending))), None)
    if found is not None and leaves(root, found):
        raise Outside(f"the path '{shown(written)}' is a link that leads out of the folder.")
    return found


def is_file(path: Path) -> bool:
    """Whether there is such a file; also for texts that can be no path (too long, a NUL)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def leaves(root: Path, path: Path) -> bool:
    """Whether a path, its links followed, ends outside a resolved root."""
    return not path.resolve().is_relative_to(root)


def _goes_up(relative: Path) -> bool:
    """Whether a path is above its start at any point on its way."""
    depth = 0
    for part in relative.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False
