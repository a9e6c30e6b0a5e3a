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
from headstart.errors import HeadstartError, did_you_mean


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
            continue
        if _names_no_file(name) and name in inputs:
            near = did_you_mean(Path(name).name, _beside(Path(name)))
            said = f"{name}: there is no such file; taken as a text.{near}"
            print(f"headstart: {printable(said)}", file=sys.stderr)
        if as_json:
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


def _names_no_file(name: str) -> bool:
    """Whether a text is one word with a suffix of letters, as files have, and there is none of that name."""
    path = Path(name)
    return len(name.split()) == 1 and path.suffix[1:].isalpha() and not _is_there(path)


def _is_there(path: Path) -> bool:
    """Whether there is such a file: not what is too long for a name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _beside(path: Path) -> list[str]:
    """Names in its folder; none where that cannot be read."""
    try:
        return [other.name for other in path.parent.iterdir()]
    except (OSError, ValueError):
        return []
