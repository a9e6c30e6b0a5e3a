"""headstart compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from headstart.errors import counted

if TYPE_CHECKING:
    from headstart.evaluation.comparison import Comparison


def compare(
    first: Annotated[Path, Argument(metavar="RUN", help="A run folder.")],
    second: Annotated[Path, Argument(metavar="RUN", help="Another one.")],
    data: Annotated[
        Path | None, Argument(metavar="[DATA]", help="Other data than the test examples of both.")
    ] = None,
    *,
    label: Annotated[str | None, Option(metavar="COL", help="Column of DATA with the labels.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Say which of two runs is better, and whether that is more than chance.

    Both are asked the same examples: those in the test splits of both, or DATA.
    """
    from headstart import workflow

    found = workflow.compare(first, second, data, label=label)
    if as_json:
        print(json.dumps(found.state(), indent=2))
        return
    print(found.verdict)
    _print_metrics(found)
    _print_churn(found)


def _print_metrics(found: Comparison) -> None:
    asked = counted(found.n, "example")
    print(f"\n{asked:<20}{'first':>10}{'second':>10}{'difference':>12}{'95 % interval':>22}")
    for name, metric in found.metrics.items():
        gap = metric.difference
        interval = "" if gap.low is None else f"{gap.low:+.4f} to {gap.high:+.4f}"
        numbers = f"{metric.first:>10.4f}{metric.second:>10.4f}{gap.value:>+12.4f}{interval:>22}"
        print(f"{name:<20}{numbers}".rstrip())


def _print_churn(found: Comparison) -> None:
    churn = found.churn
    if churn is None:
        return
    print(
        f"\n{churn.changed} of {found.n} answers changed. Right in the first alone: {churn.first}, "
        f"in the second alone: {churn.second}, in both: {churn.both}, in none: {churn.neither}."
    )
    print(f"McNemar's exact test: p = {churn.p_value:.3g}")
    width = max(20, *(len(row.label) + 2 for row in found.per_class))
    print(f"\n{'label':<{width}}{'examples':>10}{'recall, first':>16}{'second':>10}{'changed':>10}")
    for row in found.per_class:
        recall = f"{row.first:>16.4f}{row.second:>10.4f}" if row.support else f"{'':>26}"
        print(f"{row.label:<{width}}{row.support:>10}{recall}{row.changed:>10}")
