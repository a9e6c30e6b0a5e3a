"""Texts with labels: tables with a column of texts (or two, a pair), or class folders of text files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.data.columns import named_like
from headstart.data.forms.cells import named_wholly, text_columns, written_out
from headstart.data.forms.form import Lack, Row
from headstart.data.forms.labelled import LABEL_NAMES, Labelled
from headstart.data.table import Table
from headstart.errors import DataError

NAMES = (
    "text", "texts", "sentence", "review", "message", "content", "comment", "tweet", "post", "utterance",
    "query", "question", "body", "title", "headline", "document", "description", "input", "abstract", "sms",
)  # fmt: skip
# Two columns that mean something together only.
PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("text1", "text2"),
    ("text_a", "text_b"), ("question1", "question2"), ("question", "sentence"), ("question", "passage"),
    ("query", "passage"), ("query", "document"),
)  # fmt: skip
_PROSE = 4  # words of a column's name that make it look like the first row of a table without header


@dataclass(frozen=True)
class LabelledTexts(Labelled):
    """One text an example, or a pair of texts, and one label or several."""

    noun: ClassVar[str] = "texts"
    layout: ClassVar[str] = (
        "Put the texts of each class in a folder named after it: DATA/good/1.txt, DATA/bad/2.txt; "
        "optionally below train/, val/ and test/. Or give a table with texts and labels."
    )

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The columns of a known pair, or the one named like texts, or the one of the longest."""
        _refuse_no_header(table)
        label = named_wholly(names, LABEL_NAMES)
        texts = text_columns(table, [name for name in names if name != label])
        found = {name.casefold(): name for name in texts}
        for one, other in PAIRS:
            if one in found and other in found:
                return found[one], found[other]
        if not texts:
            raise DataError(
                f"{table.name}: no column holds texts; there are: {', '.join(table.columns)}.",
                "Say which with --set data.input=NAME.",
            )
        return (named_like(list(texts), NAMES) or max(texts, key=lambda name: texts[name]),)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[Any]:
        """The text of each row, a tuple where it is a pair."""
        found: list[Any] = []
        for row in rows:
            cells = [written_out(cell) for cell in row.inputs]
            if any(cell is None for cell in cells):
                found.append(Lack("the text is empty."))
            else:
                found.append(cells[0] if len(cells) == 1 else tuple(cells))
        return found


def _refuse_no_header(table: Table) -> None:
    prose = [name for name in table.columns if len(name.split()) >= _PROSE]
    if prose:
        raise DataError(
            f"{table.name}: the first line looks like an example ('{prose[0][:60]}'), so the header is "
            "missing.",
            "Begin the table with a line of names, such as 'text,label'.",
        )
