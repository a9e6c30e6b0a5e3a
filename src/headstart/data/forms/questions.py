"""Questions on contexts that hold the answers: tables with a question a row, or files nested like SQuAD's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.config.schema import DataConfig
from headstart.contracts import Answer
from headstart.data.columns import named_like
from headstart.data.forms.cells import (
    Fault,
    is_empty,
    named_wholly,
    read_each,
    recurs,
    text_columns,
    written_out,
)
from headstart.data.forms.form import Form, Lack, Row
from headstart.data.layout import shown
from headstart.data.squad import read_squad
from headstart.data.table import Table
from headstart.data.table_files import READERS
from headstart.errors import DataError

QUESTION_NAMES = ("question", "questions", "query")
CONTEXT_NAMES = ("context", "passage", "paragraph", "document", "article", "text")
ANSWER_NAMES = ("answers", "answer", "answer_text", "gold", "label", "target")
START_NAMES = ("answer_start", "answer_starts", "start", "answer_offset", "start_char", "offset")
_REMEDY = (
    "Copy each answer from its context, letter by letter; an answer may also be "
    '{"text": ["Oslo"], "answer_start": [12]}, with empty lists where there is none.'
)


@dataclass(frozen=True)
class Questions(Form):
    """A question and a context an example, and the stretches of the context that answer it."""

    noun: ClassVar[str] = "questions"
    target: ClassVar[str] = "answer"
    layout: ClassVar[str] = (
        "Give a table with columns question, context, answer and answer_start, or SQuAD's JSON: train.json, "
        "test.json."
    )
    label_columns: ClassVar[int] = 2
    readers: ClassVar[Mapping[str, Callable[[Path], Table]]] = {**READERS, ".json": read_squad}

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The columns named like questions and contexts."""
        texts = list(text_columns(table, names))
        question = named_like(texts, QUESTION_NAMES)
        context = named_like([name for name in texts if name != question], CONTEXT_NAMES)
        if question is None or context is None:
            lacking = [
                what for what, name in {"questions": question, "contexts": context}.items() if name is None
            ]
            raise DataError(
                f"{table.name}: no column is named like {' or '.join(lacking)}; there are: "
                f"{', '.join(table.columns)}.",
                "Say which with --set data.input=QUESTION,CONTEXT.",
            )
        return question, context

    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """The column named like answers, and that of their starts where there is one."""
        start = named_wholly(names, START_NAMES)
        answer = named_like([name for name in names if name != start], ANSWER_NAMES)
        if answer is None:
            raise DataError(
                f"{table.name}: which column holds the answers? There are: {', '.join(table.columns)}.",
                "Say it with --label NAME, or with --label ANSWER,START.",
            )
        return (answer,) if start is None else (answer, start)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[tuple[str, str] | Lack]:
        """Question and context of each row."""
        return read_each(
            rows, _input, what=self.noun, remedy="Write a question and a context, two texts, in every row."
        )

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[tuple[Answer, ...] | None]:
        """The answers of each row where they stand in the context; none where it has none.

        An answer that does not stand at its start is taken from the nearest place; one without a
        start from the first. An empty text or list says that the context has no answer.
        """
        return read_each(rows, _answers, what=self.noun, remedy=_REMEDY)

    def group(self, row: Row, value: Any) -> str | None:
        """As stated; else the context, so that it is never on two sides of a split."""
        stated = super().group(row, value)
        if stated is not None:
            return stated
        words = " ".join(value[1].split())
        return f"context {hashlib.sha256(words.encode(errors='surrogatepass')).hexdigest()[:16]}"


def is_questions(table: Table) -> bool:
    """Whether rows surely hold questions and contexts: their names, and answers that are found in them."""
    question, context = (
        named_wholly(table.columns, QUESTION_NAMES),
        named_wholly(table.columns, CONTEXT_NAMES),
    )
    if question is None or context is None:
        return False
    rest = [name for name in table.columns if name not in (question, context)]
    if named_wholly(rest, START_NAMES) is not None:
        return True
    answer = named_wholly(rest, ANSWER_NAMES[:3])
    if answer is None:
        return not any(recurs(table, name) or named_wholly([name], ANSWER_NAMES) for name in rest)
    cells = [cell for cell in table.column(answer) if not is_empty(cell)]
    if any(isinstance(cell, dict | list) for cell in cells):
        return True
    pairs = zip(table.column(answer), table.column(context), strict=True)
    found = sum(
        isinstance(one, str) and isinstance(other, str) and one.strip() in other for one, other in pairs
    )
    return bool(cells) and found * 2 > len(table.rows) and not recurs(table, answer)


def _input(row: Row) -> tuple[str, str] | Lack:
    if len(row.inputs) != 2:
        raise Fault(f"a question and a context are two columns, not {len(row.inputs)}.")
    question, context = map(written_out, row.inputs)
    for what, cell in {"question": question, "context": context}.items():
        if cell is None:
            return Lack(f"the {what} is empty.")
        if not isinstance(cell, str):
            raise Fault(f"the {what} must be a text, not {type(cell).__name__}.")
    return question, context


def _answers(row: Row) -> tuple[Answer, ...] | None:
    """The answers of a row, each once; none are read beside a context that is not there."""
    read = _input(row)
    if isinstance(read, Lack):
        return None
    cell, *starts = row.labels
    if cell is None or cell != cell:
        return None
    golds = _golds(cell, starts[0] if starts else None)
    return tuple(dict.fromkeys(_placed(text, start, read[1]) for text, start in golds))


def _golds(cell: Any, start: Any) -> Iterator[tuple[str, int | None]]:
    """Each answer in a cell with its start, in any of the ways that data sets write them."""
    if isinstance(cell, dict):
        if not isinstance(cell.get("text"), str | list):
            raise Fault("the answer has no 'text'.")
        start = cell.get("answer_start", start)
        cell = cell["text"]
    if not isinstance(cell, list | tuple):
        cell, start = ([] if is_empty(cell) else [cell]), [start]
    starts = list(start) if isinstance(start, list | tuple) else [None] * len(cell)
    if cell and len(starts) != len(cell):
        raise Fault(f"{len(cell)} answers, but {len(starts)} starts.")
    for part, own in zip(cell, starts, strict=False):
        if isinstance(part, dict):
            yield from _golds(part, own)
        elif isinstance(text := written_out(part), str):
            yield text, _start(own)
        else:
            raise Fault(
                "an answer is empty."
                if text is None
                else f"an answer must be a text, not {type(text).__name__}."
            )


def _start(cell: Any) -> int | None:
    if is_empty(cell):
        return None
    try:
        if isinstance(cell, bool) or int(cell) != float(cell):
            raise ValueError
        return int(cell)
    except (TypeError, ValueError, OverflowError) as error:
        raise Fault(f"the answer's start must be a whole number, not '{shown(cell)}'.") from error


def _placed(text: str, start: int | None, context: str) -> Answer:
    """The answer, without blanks around it, where it stands nearest to its start."""
    start = (start or 0) + len(text) - len(text.lstrip())
    text = text.strip()
    if start >= 0 and context.startswith(text, start):
        return Answer(text, start)
    places = [found.start() for found in re.finditer(f"(?={re.escape(text)})", context)]
    if not places:
        raise Fault(f"the answer '{shown(text)}' is not in the context.")
    return Answer(text, min(places, key=lambda place: abs(place - start)))
