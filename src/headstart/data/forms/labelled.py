"""What every form with labels shares, whatever its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.config.schema import DataConfig
from headstart.data.forms.form import Row
from headstart.data.targets import Target, targets


@dataclass(frozen=True)
class Labelled:
    """One label an example, or several.

    Attributes:
        suffixes: of the files that are inputs, in lower case.
    """

    suffixes: frozenset[str]

    def targets(self, rows: Sequence[Row], config: DataConfig) -> list[Target | None]:
        """Labels, as `targets` reads them."""
        return targets([row.label for row in rows], [row.origin for row in rows], config)
