"""headstart predict."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from headstart.errors import HeadstartError

if TYPE_CHECKING:
    from headstart.contracts import Prediction


def predict(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder, or the model folder in it.")],
    inputs: Annotated[
        list[str], Argument(metavar="INPUT...", help="Files, folders, or - for a list of files on stdin.")
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

    write = _json_line if as_json else _csv_lines()
    worst = 0
    for name, answer in workflow.predict(run, _listed(inputs)):
        if isinstance(answer, HeadstartError):
            print(f"headstart: {answer}", file=sys.stderr)
            worst = max(worst, answer.exit_code)
        else:
            print(write(name, answer), flush=True)
    raise typer.Exit(worst)


def _listed(inputs: Sequence[str]) -> Iterator[str]:
    """The inputs, with the lines of stdin in the place of ``-``."""
    for name in inputs:
        if name == "-":
            yield from filter(None, (line.rstrip("\r\n") for line in sys.stdin))
        else:
            yield name


def _json_line(name: str, prediction: Prediction) -> str:
    return json.dumps({"input": name, **asdict(prediction)})


def _csv_lines() -> Callable[[str, Prediction], str]:
    """Gives a prediction's row; with the first one, the header above it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["input", "label", "score"])

    def row(name: str, prediction: Prediction) -> str:
        label = "|".join(prediction.labels) if prediction.label is None else prediction.label
        writer.writerow([name, label, prediction.score])
        lines = text.getvalue()
        text.seek(0)
        text.truncate()
        return lines.rstrip("\n")

    return row
