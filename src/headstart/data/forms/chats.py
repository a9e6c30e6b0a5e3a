"""Conversations as cells write them: lists of messages with roles. Knows no table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headstart.data.forms.cells import Fault, is_empty
from headstart.data.layout import shown

Turns = tuple[tuple[str, str], ...]

ROLES = {
    "system": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant",
}  # fmt: skip
_ROLE_KEYS, _CONTENT_KEYS = ("role", "from"), ("content", "value")


def is_chat(cell: Any) -> bool:
    """Whether a cell is a list of messages."""
    return (
        isinstance(cell, list)
        and bool(cell)
        and all(isinstance(message, dict) and _first(message, _ROLE_KEYS) is not None for message in cell)
    )


def turns_of(cell: Any) -> Turns:
    """Role and text of each turn; neighbouring messages of one role are one, a blank line between them.

    A system's message that is empty is none.

    Raises:
        Fault: it is no list of messages, or one has no role that is known, or no text.
    """
    if not isinstance(cell, list | tuple):
        raise Fault(f"a conversation must be a list of messages, not {type(cell).__name__}.")
    turns: list[tuple[str, str]] = []
    for number, message in enumerate(cell, start=1):
        role, text = _message(number, message)
        if role == "system" and is_empty(text):
            continue
        if turns and turns[-1][0] == role:
            text = f"{turns.pop()[1]}\n\n{text}"
        turns.append((role, text))
    return tuple(turns)


def last_reply(turns: Turns) -> int:
    """The place of the last turn of the assistant.

    Raises:
        Fault: it has none.
    """
    places = [place for place, (role, _) in enumerate(turns) if role == "assistant"]
    if not places:
        raise Fault("the conversation has no turn of the assistant.")
    return places[-1]


def unanswered(turns: Turns) -> Turns:
    """A conversation without what the assistant said at its end."""
    return turns[:-1] if turns and turns[-1][0] == "assistant" else turns


def _message(number: int, message: Any) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise Fault(
            f"message {number} must be an object with role and content, not {type(message).__name__}."
        )
    said = _first(message, _ROLE_KEYS)
    role = ROLES.get(said.casefold()) if isinstance(said, str) else None
    if role is None:
        raise Fault(f"message {number}: unknown role '{shown(said)}'; there are: system, user, assistant.")
    text = _first(message, _CONTENT_KEYS)
    if not isinstance(text, str):
        raise Fault(f"message {number}: the content must be a text, not {type(text).__name__}.")
    if is_empty(text) and role != "system":
        raise Fault(f"message {number}: the content is empty.")
    return role, text


def _first(message: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((message[key] for key in keys if message.get(key) is not None), None)
