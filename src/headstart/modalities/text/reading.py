"""What an example's input says: one text, or two that belong together. Knows no tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import DataError
from headstart.modalities.text.encoding import encoding_of

# A text as long as a novel; beyond it, a row has probably swallowed the rest of its table.
MOST_CHARACTERS = 5_000_000


def read_parts(value: Any, *, name: str = "the text") -> tuple[str, ...]:
    """The texts of an input: a text, a path to one, or a pair of them.

    Args:
        value: what `Example.input` holds.
        name: for messages.

    Raises:
        DataError: it is no text, is empty, or holds what no text holds.
    """
    parts = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(parts) not in (1, 2):
        raise DataError(
            f"{name}: must be one text or a pair, not {len(parts)}.", "Correct it, or leave it out."
        )
    texts = tuple(_read_file(part, name) if isinstance(part, Path) else part for part in parts)
    for text in texts:
        problem = _problem(text)
        if problem:
            raise DataError(f"{name}: {problem}.", "Correct it, or leave it out.")
    return texts


def _problem(text: Any) -> str:
    """What is wrong with a text, as a clause."""
    if not isinstance(text, str):
        return f"must be a text, not {type(text).__name__}"
    if not text.strip():
        return "is empty"
    if "\0" in text:
        return "holds a NUL character"
    if len(text) > MOST_CHARACTERS:
        return f"has {len(text)} characters, more than {MOST_CHARACTERS}"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode: half of a surrogate pair is missing"
    return ""


def _read_file(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}.", "Check the path.") from error
    encoding = encoding_of(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: byte 0x{raw[error.start]:02x} at {error.start} is not {encoding.upper()}; it may be "
            "Latin-1 or Windows-1252.",
            "Save it as UTF-8.",
        ) from error
