"""headstart evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from headstart.errors import counted


def evaluate(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder, a saved model, or an export.")],
    data: Annotated[
        Path | None, Argument(metavar="[DATA]", help="Other data than the run's test split.")
    ] = None,
    *,
    label: Annotated[str | None, Option(metavar="COL", help="Column of DATA with the labels.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Show the scores of RUN, or of an export of it, with intervals.

    They are of the run's test split, or of DATA where that is given.
    """
    from headstart import workflow

    scores = workflow.evaluate(run, data, label=label)
    if as_json:
        print(json.dumps(scores.state(), indent=2))
        return
    print(f"{counted(scores.n, 'example')}, with 95 % intervals")
    for name, score in scores.metrics.items():
        interval = "" if score.low is None else f"{score.low:.4f} to {score.high:.4f}"
        print(f"{name:<20}{score.value:>10.4f}    {interval}".rstrip())
