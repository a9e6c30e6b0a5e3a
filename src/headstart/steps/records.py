"""What a service has recorded: how much of it, since when, in which file; and as tables for others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headstart.records.records import Records
from headstart.records.values import Overview
from headstart.steps.service import service_folder


@dataclass(frozen=True)
class Recorded:
    """What there is.

    Attributes:
        path: of the file.
        size: in bytes, with what is not copied into it yet.
        overview: how much of everything.
        tables: Parquet files that were written.
    """

    path: Path
    size: int
    overview: Overview
    tables: tuple[Path, ...] = ()

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "path": str(self.path),
            "size": self.size,
            **asdict(self.overview),
            "tables": [str(table) for table in self.tables],
        }


def recorded(path: Path, parquet: Path | None = None) -> Recorded:
    """What a service has recorded.

    Args:
        path: of the service.
        parquet: a folder to write the tables into; None writes none.

    Raises:
        RequestError: there is no service, or the folder cannot be written.
        MissingExtra: pyarrow is not installed.
    """
    file = service_folder(path).records
    with Records(file, create=False) as records:
        overview = records.overview()
        tables = () if parquet is None else records.to_parquet(parquet)
        log = file.with_name(f"{file.name}-wal")
        size = sum(one.stat().st_size for one in (file, log) if one.exists())
        return Recorded(file, size, overview, tables)
