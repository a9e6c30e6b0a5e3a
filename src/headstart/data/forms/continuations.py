"""Texts to be written, after a prompt, a conversation, or nothing: tables, or plain text files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from headstart.config.schema import DataConfig
from headstart.contracts import Chat
from headstart.data.columns import named_like
from headstart.data.forms.cells import (
    Fault,
    is_prose,
    mostly,
    named_wholly,
    read_each,
    recurs,
    text_columns,
    written_out,
)
from headstart.data.forms.chats import is_chat, last_reply, turns_of, unanswered
from headstart.data.forms.form import Form, Lack, Row
from headstart.data.forms.labelled_texts import NAMES as TEXT_NAMES
from headstart.data.passages import read_passages
from headstart.data.table import Table
from headstart.data.table_files import READERS
from headstart.errors import DataError

CHAT_NAMES = ("messages", "conversations", "conversation", "chat", "dialogue", "turns")
PROMPT_NAMES = ("prompt", "instruction", "question", "query", "problem", "input")
# What a prompt may be about.
MORE_NAMES = ("input", "context")
RESPONSE_NAMES = ("response", "completion", "output", "answer", "reply", "solution", "target")
_REMEDY = (
    'Give each row a prompt and a response, or {"messages": [{"role": "user", "content": "..."}, '
    '{"role": "assistant", "content": "..."}]}.'
)


@dataclass(frozen=True)
class Continuations(Form):
    """What is to be written an example, and what comes before it."""

    noun: ClassVar[str] = "texts"
    target: ClassVar[str] = "text"
    layout: ClassVar[str] = (
        "Give a table with columns prompt and response, or messages, or one of texts; or plain texts: "
        "DATA/1.txt."
    )
    loose: ClassVar[frozenset[str]] = frozenset({".txt"})
    readers: ClassVar[Mapping[str, Callable[[Path], Table]]] = {**READERS, ".txt": read_passages}

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The column of conversations; else those named like prompts; else none, for plain texts."""
        if chats := mostly(table, names, is_chat):
            return (named_like(chats, CHAT_NAMES) or chats[0],)
        prompts = _prompts(names)
        others = [name for name in table.columns if name not in prompts]
        answered = named_wholly(others, RESPONSE_NAMES) or text_columns(table, others)
        return prompts if answered else ()

    def guess_inputs_alone(self, table: Table, root: Path) -> tuple[str, ...]:
        """The columns of conversations or prompts; else that of texts, which are gone on with."""
        if found := self.guess_inputs(table, table.columns, root) or _prompts(table.columns):
            return found
        return self.guess_label(table, table.columns, ())

    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """The column of the conversations themselves; else the one named like responses, or like texts."""
        if len(inputs) == 1 and mostly(table, inputs, is_chat):
            return tuple(inputs)
        texts = list(text_columns(table, names))
        named = named_wholly(names, RESPONSE_NAMES) if inputs else named_like(texts, TEXT_NAMES)
        if named is None and len(texts) != 1:
            raise DataError(
                f"{table.name}: which column holds the texts that are to be written? There are: "
                f"{', '.join(table.columns)}.",
                "Say it with --label NAME, and the column of the prompts with --set data.input=NAME.",
            )
        return (named or texts[0],)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[str | Chat | Lack]:
        """The prompt of each row, its parts joined by a blank line; "" where nothing comes before.

        A conversation is what comes before the assistant's last turn; where no target is asked
        for, all of it but such a turn at its end.
        """
        return read_each(rows, _before, what=self.noun, remedy=_REMEDY)

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[str | None]:
        """The response of each row; of a conversation, the assistant's last turn."""
        return read_each(rows, _written, what=self.noun, remedy=_REMEDY)


def is_continuations(table: Table) -> bool:
    """Whether rows surely hold texts to be written: chats, prompts with responses, or nothing but texts."""
    if mostly(table, table.columns, is_chat):
        return True
    if len(table.columns) == 1:
        (only,) = table.columns
        return (
            named_wholly([only], TEXT_NAMES) is not None and is_prose(table, only) and not recurs(table, only)
        )
    prompt = named_wholly(table.columns, PROMPT_NAMES[:-1])
    response = named_wholly([name for name in table.columns if name != prompt], RESPONSE_NAMES[:-1])
    return (
        prompt is not None
        and response is not None
        and is_prose(table, prompt)
        and is_prose(table, response)
        and not recurs(table, response)
    )


def _prompts(names: Sequence[str]) -> tuple[str, ...]:
    """The column named like a prompt, and what it is about."""
    prompt = named_wholly(names, PROMPT_NAMES)
    if prompt is None:
        return ()
    more = named_wholly([name for name in names if name != prompt], MORE_NAMES)
    return (prompt,) if more is None else (prompt, more)


def _before(row: Row) -> str | Chat | Lack:
    if len(row.inputs) == 1 and isinstance(row.inputs[0], list | tuple):
        turns = turns_of(row.inputs[0])
        turns = turns[: last_reply(turns)] if row.labels else unanswered(turns)
        return Chat(turns) if turns else Lack("nothing is said before the assistant's turn.")
    texts = [text for text in map(written_out, row.inputs) if text is not None]
    for text in texts:
        if not isinstance(text, str):
            raise Fault(f"the prompt must be a text, not {type(text).__name__}.")
    if not texts and not row.labels:
        return Lack("the prompt is empty.")
    return "\n\n".join(texts)


def _written(row: Row) -> str | None:
    (cell,) = row.labels
    if isinstance(cell, list | tuple):
        turns = turns_of(cell)
        return turns[last_reply(turns)][1]
    text = written_out(cell)
    if text is None and row.inputs:
        raise Fault("the response is empty.")
    if text is not None and not isinstance(text, str):
        raise Fault(f"the text must be a text, not {type(text).__name__}.")
    return text
