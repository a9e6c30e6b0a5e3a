"""What task a data set looks like, from names of files and columns and a few cells. Reads no data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from headstart.catalog import TASKS
from headstart.data.columns import named_like
from headstart.data.conll import SUFFIXES as TAGGED_SUFFIXES
from headstart.data.conll import looks_tagged, tagged_by_span
from headstart.data.few_rows import LINES, beginning, few_as_table, few_rows
from headstart.data.forms.continuations import is_continuations
from headstart.data.forms.labelled import LABEL_NAMES
from headstart.data.forms.labelled_files import NAMES as FILE_NAMES
from headstart.data.forms.parallel_texts import is_parallel
from headstart.data.forms.questions import is_questions
from headstart.data.forms.tagged_words import is_tagged
from headstart.data.layout import is_hidden, split_named
from headstart.data.read import tables_of
from headstart.errors import DataError

IMAGES, TEXTS = "image-classification", "text-classification"
TAGS, QUESTIONS = "token-classification", "question-answering"
TRANSLATION, GENERATION = "translation", "text-generation"
# What the rows of a table surely are, those first whose evidence is strongest.
_EVIDENCE = {TAGS: is_tagged, QUESTIONS: is_questions, GENERATION: is_continuations, TRANSLATION: is_parallel}
_TEXT_SUFFIXES = frozenset({".txt"})
# Files beside data that are no data.
_NOTES = frozenset({"readme", "license", "licence", "copying", "requirements", "notes", "changelog"})
_FILES = 200  # looked at, at most


def recognise(path: Path, image_suffixes: frozenset[str], tasks: Collection[str] = TASKS) -> str:
    """The name of the task; where nothing tells, that of images, whose errors say what is missing.

    Args:
        path: as `read` takes it.
        image_suffixes: in lower case.
        tasks: that there are: no other is named, but those of images and texts with labels.
    """
    try:
        table = next(iter(tables_of(path).values()), None)
        if table is not None:
            return _of_table(table, image_suffixes, tasks)
        found = _of_other_files(path)
        if found is not None and found in tasks:
            return found
        return _of_folder(path, image_suffixes) if path.is_dir() else IMAGES
    except (OSError, ValueError, RecursionError):
        return IMAGES


def _surely_of_rows(name: str, rows: list[dict[str, Any]]) -> str | None:
    """The task whose evidence is in the first rows of a table."""
    if not rows:
        return None
    table = few_as_table(name, rows)
    return next((task for task, is_of in _EVIDENCE.items() if is_of(table)), None)


def _of_other_files(path: Path) -> str | None:
    """The task of files that only one form reads: tagged words, nested questions, plain texts."""
    if _one_of(path, TAGGED_SUFFIXES):
        return TAGS
    if nested := _one_of(path, {".json"}):
        text = beginning(nested)
        return QUESTIONS if '"paragraphs"' in text and '"context"' in text else None
    plain = _one_of(path, _TEXT_SUFFIXES)
    if plain is None and path.is_dir():
        return _of_files_in(path)
    if plain is None:
        return None
    return TAGS if _is_tagged_text(plain) else GENERATION if beginning(plain).strip() else None


def _one_of(path: Path, suffixes: Collection[str]) -> Path | None:
    """The first of the files with such suffixes that a path names, as tables are named."""
    try:
        return next(iter(tables_of(path, suffixes).values()), None)
    except DataError:  # which of several is meant; reading them says so
        return None


def _is_tagged_text(path: Path) -> bool:
    # The last line may be cut.
    lines = beginning(path).replace("\r\n", "\n").split("\n")[:-1]
    return looks_tagged(lines) and tagged_by_span(lines)


def _of_files_in(folder: Path) -> str | None:
    """Tagged words or plain texts, where nearly all files are such, and no folders are classes."""
    tagged = texts = others = 0
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        if here == str(folder) and not all(map(split_named, folders)):
            return None
        if here != str(folder) and folders:
            return None
        for name in map(Path, files):
            if is_hidden(name.name) or name.stem.casefold() in _NOTES:
                continue
            tagged += name.suffix.casefold() in TAGGED_SUFFIXES
            texts += name.suffix.casefold() in _TEXT_SUFFIXES
            others += name.suffix.casefold() not in TAGGED_SUFFIXES | _TEXT_SUFFIXES
        if tagged + texts + others > _FILES:
            break
    if tagged > texts + others:
        return TAGS
    return GENERATION if texts > tagged + others else None


def _of_folder(folder: Path, image_suffixes: frozenset[str]) -> str:
    counts: Counter[str] = Counter()
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        counts.update(Path(name).suffix.casefold() for name in files if not is_hidden(name))
        if counts.total() > _FILES:
            break
    texts = sum(counts[suffix] for suffix in _TEXT_SUFFIXES)
    images = sum(counts[suffix] for suffix in image_suffixes)
    return TEXTS if texts > images else IMAGES


def _of_table(table: Path, image_suffixes: frozenset[str], tasks: Collection[str]) -> str:
    if TAGS in tasks and table.suffix.casefold() == ".tsv" and _is_tagged_text(table):
        return TAGS
    rows = few_rows(table)
    found = _surely_of_rows(table.name, rows)
    if found is not None and found in tasks:
        return found
    columns = [name for name in rows[0] if isinstance(name, str)] if rows else []
    cells = [cell for row in rows for cell in row.values() if isinstance(cell, str)]
    if any(Path(cell.strip()).suffix.casefold() in image_suffixes for cell in cells if len(cell) < 1000):
        return IMAGES
    if named_like(columns, FILE_NAMES[:-1]) and not _prose(columns, rows):
        return IMAGES
    if _prose(columns, rows) or table.suffix.casefold() in LINES:
        return TEXTS
    return IMAGES


def _prose(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Columns that hold texts: most of their cells have several words."""
    return [
        name
        for name in columns
        if name.casefold() not in LABEL_NAMES
        and sum(isinstance(row.get(name), str) and len(row[name].split()) > 1 for row in rows) * 2 > len(rows)
    ]
