"""headstart watch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from headstart.monitoring.usual import ALPHA, WINDOW

RANG = 3


def watch(
    service: Annotated[Path, Argument(metavar="SERVICE", help="The folder of a service.")],
    *,
    window: Annotated[int, Option(min=1, help="Predictions that are judged together.")] = WINDOW,
    alpha: Annotated[float, Option(help="Share of windows without any change that may ring.")] = ALPHA,
    now: Annotated[bool, Option("--now", help="Do not wait until a window is full.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Say whether answers, inputs or accuracy have changed since training; exit code 3 if so.

    Looks at what came since the last look, labels too; prints the page that shows it.
    """
    from headstart import production

    found = production.watch(service, size=window, alpha=alpha, now=now)
    if as_json:
        print(json.dumps(found.state(), indent=2))
    else:
        for line in found.lines(window):
            print(line, file=sys.stderr)
        if found.page:
            print(found.page)
    raise typer.Exit(RANG if found.alarm else 0)
