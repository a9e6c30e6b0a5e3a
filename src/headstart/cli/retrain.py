"""headstart retrain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer
from typer import Argument, Option

REFUSED = 3
# Of the screen.
WIDTH = 110


def retrain(
    service: Annotated[Path, Argument(metavar="SERVICE", help="The folder of a service.")],
    data: Annotated[
        Path | None, Argument(metavar="[DATA]", help="New labelled examples, beside the corrections.")
    ] = None,
    *,
    label: Annotated[str | None, Option(metavar="COL", help="Column of DATA with the labels.")] = None,
    if_needed: Annotated[
        bool, Option("--if-needed", help="Only after an alarm, or when 50 corrections have come.")
    ] = False,
    margin: Annotated[
        float, Option(min=0, max=1, help="What the challenger may be worse, as a share of answers.")
    ] = 0.01,
    time_limit: Annotated[str | None, Option(help="Of the training alone, such as 10m.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Train a challenger on the corrections and DATA; promote it if it is no worse; exit code 3 if refused.

    It is compared on the champion's own test set, and on recent and former examples that neither had learned
    from when it answered.
    """
    from headstart import production
    from headstart.config.duration import seconds
    from headstart.errors import RequestError
    from headstart.evaluation.report.words import duration

    limit = None if time_limit is None else seconds(time_limit)
    if time_limit is not None and limit is None:
        raise RequestError(f"--time-limit: '{time_limit}' is no duration.", "Write 90s, 10m or 1h30m.")

    found = production.retrain(
        service,
        data,
        label=label,
        if_needed=if_needed,
        margin=margin,
        time_limit=limit,
        stream=sys.stderr,
    )
    if as_json:
        print(json.dumps(found.state(), indent=2))
    else:
        print(found.needed, file=sys.stderr)
        for sentence in found.sentences:
            print(sentence, file=sys.stderr)
        if found.verdict is not None:
            rows = [("passed" if one.passed else "FAILED", one.name, one.why) for one in found.verdict.checks]
            rows += [("warning", "new data", text) for text in found.verdict.warnings]
            for how, name, why in rows:
                line = f"  {how:<8}{name:<14}{why}"
                print(fill(line, WIDTH, subsequent_indent=24 * " ", break_on_hyphens=False), file=sys.stderr)
            outcome = "is champion now" if found.promoted else "is refused; the champion stays"
            print(f"Version {found.version} {outcome}. It took {duration(found.seconds)}.", file=sys.stderr)
            print(found.run)
    raise typer.Exit(0 if found.run is None or found.promoted else REFUSED)
