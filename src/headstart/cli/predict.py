"""headstart predict."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from headstart.data.layout import printable
from headstart.errors import HeadstartError


def predict(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder, or the model folder in it.")],
    inputs: Annotated[
        list[str],
        Argument(metavar="INPUT...", help="Files, folders, texts, or - for a list of them on stdin."),
    ],
    *,
    as_json: Annotated[
        bool, Option("--json", help="A line of JSON for each input, with all scores.")
    ] = False,
) -> None:
    """Say what every INPUT is, as CSV or as lines of JSON.

    An input that cannot be read is named on stderr; the others are predicted all the same.
    """
    from headstart import workflow

    table = csv.writer(sys.stdout, lineterminator="\n")
    worst = 0
    columns: list[str] = []
    for name, answer in workflow.predict(run, _listed(inputs)):
        if isinstance(answer, HeadstartError):
            print(f"headstart: {printable(str(answer))}", file=sys.stderr)
            worst = max(worst, answer.exit_code)
        elif as_json:
            print(json.dumps({"input": name, **asdict(answer)}))
        else:
            cells = answer.cells()
            if not columns:
                columns = list(cells)
                table.writerow(["input", *columns])
            table.writerow([name, *(cells[column] for column in columns)])
        # Who reads the pipe sees each answer when it is there.
        sys.stdout.flush()
    raise typer.Exit(worst)


def _listed(inputs: Sequence[str]) -> Iterator[str]:
    """The inputs, with the lines of stdin in the place of ``-``."""
    for name in inputs:
        if name == "-":
            yield from filter(None, (line.rstrip("\r\n") for line in sys.stdin))
        else:
            yield name
