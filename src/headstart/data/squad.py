"""Questions on paragraphs, nested as SQuAD has them (Rajpurkar et al., 2016 and 2018), to a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.data.delimited import read_lines
from headstart.data.table import Table
from headstart.errors import DataError

COLUMNS = ("id", "title", "question", "context", "answers")
_REMEDY = (
    'Write {"data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [{"question": ..., "answers": '
    '[{"text": ..., "answer_start": ...}]}]}]}]}, or a table with a question a row.'
)


def read_squad(path: Path) -> Table:
    """A row a question, numbered in the order of the file; "answers" is a list, empty where impossible.

    Raises:
        DataError: it is no JSON, or nested otherwise; the message names the places.
    """
    try:
        content = json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: line {error.lineno}: not JSON: {error.msg} at character {error.colno}.",
            "Write the file again; of JSON lines, call it .jsonl.",
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}.", "Write the file again.") from error
    faults: list[str] = []
    rows = tuple(_rows(content, faults))
    if faults:
        raise DataError.listed(str(path), faults, _REMEDY)
    if not rows:
        raise DataError(f"{path}: there is no question.", _REMEDY)
    return Table(path.name, COLUMNS, rows, tuple(range(1, len(rows) + 1)), unit="question")


def _rows(content: Any, faults: list[str]) -> Iterator[tuple[Any, ...]]:
    """Questions in order; what is not there is noted."""
    for where, article in _members(content, "data", "", faults):
        title = article.get("title")
        for there, paragraph in _members(article, "paragraphs", where, faults):
            if not isinstance(paragraph.get("context"), str):
                faults.append(f"{there}: there is no text 'context'.")
                continue
            for place, asked in _members(paragraph, "qas", there, faults):
                if not isinstance(asked.get("question"), str):
                    faults.append(f"{place}: there is no text 'question'.")
                    continue
                answers = [] if asked.get("is_impossible") is True else asked.get("answers")
                yield asked.get("id"), title, asked["question"], paragraph["context"], answers


def _members(value: Any, key: str, where: str, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in a list below a key, each with its place."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        faults.append(f"{where or 'the file'}: there is no list '{key}'.")
        return
    for number, member in enumerate(found):
        place = f"{where}.{key}[{number}]".lstrip(".")
        if isinstance(member, dict):
            yield place, member
        else:
            faults.append(f"{place}: must be an object, not {type(member).__name__}.")
