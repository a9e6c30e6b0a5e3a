"""headstart records."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

if TYPE_CHECKING:
    from headstart.steps.records import Recorded


def records(
    service: Annotated[Path, Argument(metavar="SERVICE", help="The folder of a service.")],
    *,
    parquet: Annotated[
        Path | None, Option(metavar="DIR", help="Write the tables there as Parquet, and print the files.")
    ] = None,
    labels: Annotated[
        Path | None, Option(metavar="FILE.csv", help="Take the labels of a table with columns id and label.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print what there is as JSON.")] = False,
) -> None:
    """Say what SERVICE has recorded, write it as tables for other programs, or take labels for it."""
    from headstart import production
    from headstart.errors import counted

    if labels is not None:
        taken = production.take_labels(service, labels)
        print(f"{counted(taken, 'label')} taken from {labels}.", file=sys.stderr)
    found = production.records(service, parquet)
    if as_json:
        print(json.dumps(found.state(), indent=2))
    elif parquet is not None:
        for table in found.tables:
            print(table)
    else:
        _show(found)


def _show(found: Recorded) -> None:
    """A line for each kind of record, for people."""
    from rich.filesize import decimal

    from headstart.monitoring.history import moment

    there = found.overview
    print(f"{found.path}: {decimal(found.size)}")
    span = ""
    if there.first is not None and there.last is not None:
        span = f", from {moment(there.first)} to {moment(there.last)}"
    rows = {
        "predictions": f"{there.predictions:,}{span}",
        "labelled": f"{there.labelled:,}",
        "inputs": f"{there.inputs:,} kept, {decimal(there.input_bytes)}",
        "windows": f"{there.windows:,}, of which {there.rang:,} rang",
        "decisions": f"{there.decisions:,}",
    }
    for name, value in rows.items():
        print(f"{name:<13}{value}")
