"""What was read: examples and where they came from. Knows no pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headstart.contracts import Example


@dataclass(frozen=True)
class Dataset:
    """Labelled examples, in a fixed order.

    Attributes:
        examples: sorted by id.
        root: what relative paths are below.
        name: what messages call it: as the user wrote it.
        layout: "class folders", "table", "folder of tables".
        splits: ids by "train", "val", "test" where the data itself says; else empty.
        columns: which column serves as what, for tables.
        skipped: files and rows that were passed over, each with the reason.
        labelled: whether targets are labels, of which classes are made.
        tagged: whether these are of parts of an input, each of which has one, and not of all of it.
    """

    examples: tuple[Example, ...]
    root: Path
    layout: str
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    labelled: bool = True
    tagged: bool = False
    name: str = ""

    @property
    def classed(self) -> bool:
        """Whether its labels part whole inputs into classes, of which some may be too small."""
        return self.labelled and not self.tagged


@dataclass(frozen=True)
class Finding:
    """Something to know about the data.

    Attributes:
        level: "note", "warning", or "error" where nothing sensible can be trained.
        code: a stable word for programs: ``"unreadable"``.
        text: one sentence that names count and remedy.
        ids: of the examples (or files) it is about.
        table: rows to show, first the header; may be empty.
    """

    level: Literal["note", "warning", "error"]
    code: str
    text: str
    ids: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Splits:
    """Ids by split, and the reason of the way it was done."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    reason: str

    def state(self) -> dict[str, Any]:
        """As data.json has it."""
        return {name: list(getattr(self, name)) for name in ("train", "val", "test")}


def select(examples: Sequence[Example], ids: Sequence[str]) -> tuple[Example, ...]:
    """The examples of these ids, in that order."""
    by_id = {example.id: example for example in examples}
    return tuple(by_id[name] for name in ids)
