"""What comes before a text that is to be written: one text, a conversation, or nothing. Knows no tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.contracts import Chat, Example, Scan
from headstart.errors import DataError
from headstart.modalities.text.reading import read_parts
from headstart.modalities.text.scanning import scan_parts


class Opening(str):
    """A text to be gone on with as it stands, by networks for conversations, too."""


def shown(value: Any) -> str:
    """What is read, as a text for people."""
    if isinstance(value, Chat):
        return "\n".join(f"{role}: {text}" for role, text in value.turns)
    try:
        return read_parts(value)[0] if isinstance(value, Path) else str(value)
    except DataError:
        return str(value)


def name_of(example: Example) -> str:
    """What messages call an example."""
    return example.origin or example.id


def read_before(example: Example, name: str) -> tuple[str, ...]:
    """The one text that is read, "" where nothing comes before the target; the texts of all turns.

    Raises:
        DataError: it is neither, is empty, or holds what no text holds.
    """
    value = example.input
    if isinstance(value, Chat):
        if not value.turns:
            raise DataError(f"{name}: the conversation is empty.", "Correct it, or leave it out.")
        return tuple(read_parts(text, name=name)[0] if text else text for _, text in value.turns)
    if isinstance(value, str) and not value.strip() and example.target is not None:
        return ("",)
    parts = read_parts(value, name=name)
    if len(parts) > 1:
        raise DataError(f"{name}: must be one text, not {len(parts)}.", "Put them into one.")
    return parts


def scan_both(example: Example, name: str) -> Scan:
    """What an input is, with the size of what is to be written for it.

    Raises:
        DataError: as of `read_before`; or of the target.
    """
    parts = read_before(example, name)
    if example.target is not None:
        read_parts(example.target, name=f"{name}: the text to be written")
    if isinstance(example.input, Chat):
        roles = (role for role, _ in example.input.turns)
        scan = scan_parts(tuple(part for turn in zip(roles, parts, strict=True) for part in turn))
    elif parts[0]:
        scan = scan_parts(parts)
    else:
        # Texts that nothing comes before are told apart by what they are themselves.
        return scan_parts(("", example.target))
    target = example.target or ""
    characters, words = scan.size
    return replace(scan, size=(characters + len(target), words + len(target.split())))


def as_lines(value: Any, parts: Sequence[str]) -> str:
    """A text as it is; a conversation as lines, the last one to be gone on with.

    Args:
        value: the input.
        parts: its texts, as `read_before` gave them.
    """
    if isinstance(value, Chat):
        roles = (role for role, _ in value.turns)
        said = [f"{role}: {text}" for role, text in zip(roles, parts, strict=True)]
        return "\n".join([*said, "assistant:"])
    (text,) = parts
    return text
