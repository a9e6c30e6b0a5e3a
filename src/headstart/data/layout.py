"""What names mean in a data folder (splits, litter), and how they are shown. Opens no file."""

from __future__ import annotations

from collections.abc import Iterable

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
_LONG = 200  # characters of a name in a message


def split_named(name: str) -> str | None:
    """The split, "train", "val" or "test", that a folder, table or cell names in any letter case."""
    return SPLIT_NAMES.get(name.strip().casefold())


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or left behind by an operating system."""
    return name.startswith(".") or is_litter(name)


def is_litter(name: str) -> bool:
    """Whether an operating system left a file or folder behind, as macOS ``._1.jpg`` beside ``1.jpg``."""
    return name.startswith("._") or name.casefold() in _LITTER


def is_text(name: str) -> bool:
    """Whether a name or label is valid Unicode, so that it can be written to a file."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    r"""A text for a terminal, on which a name must not act: control characters as ``\x1b``."""
    return text.translate(_CONTROL)


def shown(name: object) -> str:
    r"""A name for messages: not too long, and what is no text in it as ``\udce9``."""
    text = str(name).encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def some(names: Iterable[str], most: int = 5) -> str:
    """``"'a', 'b', 'c' and 7 more"``."""
    every = [f"'{name}'" for name in names]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
