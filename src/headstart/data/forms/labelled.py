"""What every form with labels shares, whatever its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from headstart.config.schema import DataConfig
from headstart.data.columns import named_like
from headstart.data.forms.cells import recurs
from headstart.data.forms.form import Form, Row
from headstart.data.table import Table
from headstart.data.targets import Target, targets
from headstart.errors import DataError

LABEL_NAMES = (
    "label", "labels", "class", "classes", "target", "category", "categories", "tags", "tag", "intent",
    "sentiment", "emotion", "topic", "polarity", "y",
)  # fmt: skip


@dataclass(frozen=True)
class Labelled(Form):
    """One label an example, or several."""

    labelled: ClassVar[bool] = True
    class_folders: ClassVar[bool] = True

    def guess_label(self, table: Table, names: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
        """The column named like labels; else the only one left; else the only one whose cells recur."""
        named = named_like(names, LABEL_NAMES)
        if named is not None:
            return (named,)
        for candidates in (names, [name for name in names if recurs(table, name)]):
            if len(candidates) == 1:
                return (candidates[0],)
        raise DataError(
            f"{table.name}: which column holds the labels? There are: {', '.join(table.columns)}.",
            "Say it with --label NAME.",
        )

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[Target | None]:
        """Labels, as `targets` reads them."""
        return targets([row.labels[0] for row in rows], [row.origin for row in rows], config)
