"""Sentences whose words are tagged one by one: tables with lists of words and tags, or CoNLL files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.config.schema import DataConfig
from headstart.contracts import Words
from headstart.data.columns import named_like
from headstart.data.conll import SUFFIXES, read_conll, read_tabbed
from headstart.data.forms.cells import Fault, is_empty, mostly, read_each, text_columns
from headstart.data.forms.form import Form, Lack, Row
from headstart.data.forms.labelled_texts import NAMES as TEXT_NAMES
from headstart.data.layout import is_text, shown
from headstart.data.table import Table
from headstart.data.table_files import READERS
from headstart.errors import DataError

WORD_NAMES = ("tokens", "words", "token", "word", "sentence", "text")
TAG_NAMES = (
    "tags", "ner_tags", "labels", "ner", "tag", "label", "ner_labels", "entities", "iob", "bio", "pos_tags",
    "upos", "pos",
)  # fmt: skip
_REMEDY = (
    "Give each row a list of words, and one of as many tags: "
    '{"tokens": ["In", "Oslo"], "tags": ["O", "B-place"]}.'
)


@dataclass(frozen=True)
class TaggedWords(Form):
    """The words of one text an example, and a tag for each."""

    noun: ClassVar[str] = "sentences"
    target: ClassVar[str] = "tag"
    layout: ClassVar[str] = (
        "Give a table with a list of words and a list of tags in each row, or CoNLL files: train.conll, "
        "test.conll."
    )
    labelled: ClassVar[bool] = True
    tagged: ClassVar[bool] = True
    loose: ClassVar[frozenset[str]] = SUFFIXES
    readers: ClassVar[Mapping[str, Callable[[Path], Table]]] = {
        **READERS,
        ".tsv": read_tabbed,
        ".txt": read_conll,
        **dict.fromkeys(sorted(SUFFIXES), read_conll),
    }

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The column of lists of texts that is named like words, or the first that is not like tags."""
        lists = mostly(table, names, _is_list_of_texts)
        named = named_like(lists, WORD_NAMES)
        others = [name for name in lists if named_like([name], TAG_NAMES) is None]
        if named is None and not others:
            raise DataError(
                f"{table.name}: no column holds lists of words; there are: {', '.join(table.columns)}.",
                f"Say which with --set data.input=NAME. {_REMEDY}",
            )
        return (named or others[0],)

    def guess_inputs_alone(self, table: Table, root: Path) -> tuple[str, ...]:
        """The column of lists of words; where there is none, that of texts, whose words are found."""
        try:
            return self.guess_inputs(table, table.columns, root)
        except DataError:
            texts = text_columns(table, table.columns)
            if not texts:
                raise
            return (named_like(list(texts), TEXT_NAMES) or max(texts, key=lambda name: texts[name]),)

    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """The column of lists that is named like tags, or the only other one."""
        lists = mostly(table, names, lambda cell: isinstance(cell, list))
        named = named_like(lists, TAG_NAMES) or (lists[0] if len(lists) == 1 else None)
        if named is None:
            raise DataError(
                f"{table.name}: which column holds the tags? There are: {', '.join(table.columns)}.",
                f"Say it with --label NAME. {_REMEDY}",
            )
        return (named,)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[Words | Lack]:
        """The words of each row; plain texts only where no tags are asked for."""
        return read_each(rows, _words, what=self.noun, remedy=_REMEDY)

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[tuple[str, ...] | None]:
        """The tags of each row, as many as words; whole numbers as their decimal texts."""
        return read_each(rows, _tags, what=self.noun, remedy=_REMEDY)


def is_tagged(table: Table) -> bool:
    """Whether rows surely hold words and tags: two columns so named, of lists of equal lengths."""
    words = named_like(mostly(table, table.columns, _is_list_of_texts), WORD_NAMES)
    lists = mostly(
        table, [name for name in table.columns if name != words], lambda cell: isinstance(cell, list)
    )
    tags = named_like(lists, TAG_NAMES)
    if words is None or tags is None:
        return False
    pairs = zip(table.column(words), table.column(tags), strict=True)
    return all(
        isinstance(one, list) and isinstance(other, list) and len(one) == len(other) for one, other in pairs
    )


def _is_list_of_texts(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(isinstance(part, str) for part in cell)


def _words(row: Row) -> Words | Lack:
    if len(row.inputs) != 1:
        raise Fault(f"the words must be in one column, not {len(row.inputs)}.")
    (cell,) = row.inputs
    if is_empty(cell) or cell in ([], ()):
        return Lack("there are no words.")
    if isinstance(cell, str) and not row.labels:
        found = Words.within(cell)
        return found if found.spans else Lack("there are no words.")
    if not isinstance(cell, list | tuple):
        raise Fault(f"the words must be a list of texts, not {type(cell).__name__}.")
    for number, word in enumerate(cell, start=1):
        if not isinstance(word, str):
            raise Fault(f"word {number} must be a text, not {type(word).__name__}.")
        if not word.strip():
            raise Fault(f"word {number} is empty.")
    return Words.joined(cell)


def _tags(row: Row) -> tuple[str, ...] | None:
    (cell,) = row.labels
    if is_empty(cell):
        return None
    if not isinstance(cell, list | tuple):
        raise Fault(f"the tags must be a list, not {type(cell).__name__}.")
    words = row.inputs[0] or ()
    if words and len(words) != len(cell):
        raise Fault(f"{len(words)} words, but {len(cell)} tags.")
    return tuple(_tag(number, tag) for number, tag in enumerate(cell, start=1))


def _tag(number: int, tag: Any) -> str:
    if isinstance(tag, int) and not isinstance(tag, bool):
        return str(tag)
    if not isinstance(tag, str):
        raise Fault(f"tag {number} must be a text or a whole number, not {type(tag).__name__}.")
    if not tag.strip():
        raise Fault(f"tag {number} is empty.")
    if not is_text(tag):
        raise Fault(f"tag {number}, '{shown(tag)}', is not valid Unicode.")
    return tag.strip()
