"""Texts with what is to be written for them, such as their translations: tables with two columns of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from headstart.config.schema import DataConfig
from headstart.data.forms.cells import (
    Fault,
    is_prose,
    named_wholly,
    read_each,
    recurs,
    text_columns,
    written_out,
)
from headstart.data.forms.form import Form, Lack, Row
from headstart.data.table import Table
from headstart.errors import DataError

PAIRS = (
    ("source", "target"), ("src", "tgt"), ("src", "trg"), ("source_text", "target_text"), ("input", "output"),
    ("text", "summary"), ("article", "summary"), ("article", "highlights"), ("document", "summary"),
    ("dialogue", "summary"),
)  # fmt: skip
_ISO_639_1 = """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io
    is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn
    mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se
    sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo
    wa wo xh yi yo za zh zu
"""
LANGUAGES = frozenset(_ISO_639_1.split())


@dataclass(frozen=True)
class ParallelTexts(Form):
    """One text an example, and the text that is to be written for it."""

    noun: ClassVar[str] = "texts"
    target: ClassVar[str] = "target text"
    layout: ClassVar[str] = "Give a table with two columns of texts, such as source and target, or en and de."

    def guess_inputs(self, table: Table, names: Sequence[str], root: Path) -> tuple[str, ...]:
        """The first of a known pair, of two languages, or of the only two columns of texts, or the one."""
        texts = list(text_columns(table, names))
        if pair := known_pair(texts):
            return (pair[0],)
        named = named_wholly(texts, [source for source, _ in PAIRS])
        if len(texts) not in (1, 2) and named is None:
            raise DataError(
                f"{table.name}: which column holds the texts that are given? There are: "
                f"{', '.join(table.columns)}.",
                "Say it with --set data.input=NAME, and what is to be written with --label NAME.",
            )
        return (texts[0] if len(texts) in (1, 2) else str(named),)

    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """What makes a pair with the input, or is the only other column of texts."""
        texts = list(text_columns(table, names))
        partner = _partner(inputs[0], texts) if len(inputs) == 1 else None
        if partner is not None:
            return (partner,)
        if len(texts) != 1:
            raise DataError(
                f"{table.name}: which column holds the texts that are to be written? There are: "
                f"{', '.join(table.columns)}.",
                "Say it with --label NAME.",
            )
        return (texts[0],)

    def inputs(self, rows: Sequence[Row], root: Path) -> list[Any]:
        """The text of each row that is given."""
        return read_each(rows, _source, what=self.noun, remedy="Write one text in every cell of the column.")

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[str | None]:
        """The text of each row that is to be written."""
        return read_each(rows, _target, what=self.noun, remedy="Write one text in every cell of the column.")


def known_pair(names: Sequence[str]) -> tuple[str, str] | None:
    """Two columns, what is given and what is to be written, as their names say; or the only two languages."""
    found = {name.casefold(): name for name in names}
    for source, target in PAIRS:
        if source in found and target in found:
            return found[source], found[target]
    return _two_languages(names)


def _partner(given: str, names: Sequence[str]) -> str | None:
    """What makes a known pair with a column, or is the only other language."""
    found = {name.casefold(): name for name in names}
    known = [found[target] for source, target in PAIRS if source == given.casefold() and target in found]
    if known:
        return known[0]
    pair = _two_languages([given, *names])
    return pair[1] if pair and pair[0] == given else None


def _two_languages(names: Sequence[str]) -> tuple[str, str] | None:
    """The only two columns that are named by a language; of more, "id" is none."""
    languages = [name for name in names if _is_language(name)]
    if len(languages) > 2:
        languages = [name for name in languages if name.casefold() != "id"]
    return (languages[0], languages[1]) if len(languages) == 2 else None


def is_parallel(table: Table) -> bool:
    """Whether rows surely hold pairs of texts: their names, and targets that do not recur."""
    texts = list(text_columns(table, table.columns))
    pair = known_pair(texts)
    if pair is None or any(recurs(table, name) for name in pair):
        return False
    return all(map(_is_language, pair)) or all(is_prose(table, name) for name in pair)


def _is_language(name: str) -> bool:
    """Whether a name is a code such as "de", "pt-BR" or "zh_Hans"."""
    code, *region = name.replace("_", "-").split("-")
    return code.casefold() in LANGUAGES and len(region) < 2 and all(2 <= len(part) <= 4 for part in region)


def _source(row: Row) -> str | Lack:
    if len(row.inputs) != 1:
        raise Fault(f"the given text must be in one column, not {len(row.inputs)}.")
    text = _text(row.inputs[0])
    return Lack("the text is empty.") if text is None else text


def _target(row: Row) -> str | None:
    return _text(row.labels[0])


def _text(cell: Any) -> str | None:
    text = written_out(cell)
    if text is None or isinstance(text, str):
        return text
    raise Fault(f"must be a text, not {type(text).__name__}.")
