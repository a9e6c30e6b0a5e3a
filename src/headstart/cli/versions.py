"""headstart versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from headstart.errors import RequestError

if TYPE_CHECKING:
    from rich.table import Table

    from headstart.records.values import Decision
    from headstart.steps.versions import Known


def versions(
    service: Annotated[Path, Argument(metavar="SERVICE", help="The folder of a service.")],
    *,
    add: Annotated[Path | None, Option(metavar="RUN", help="Make a model known, no more.")] = None,
    promote: Annotated[
        int | None, Option(metavar="N", help="Let a version answer, once it passes its golden samples.")
    ] = None,
    rollback: Annotated[
        bool, Option("--rollback", help="Let the former champion answer, once it passes them.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the models of SERVICE, how good each is and which one answers, or change that.

    A server that runs follows within seconds, without losing a request.
    """
    from headstart import production

    if sum((add is not None, promote is not None, rollback)) > 1:
        raise RequestError("--add, --promote and --rollback exclude each other.", "Choose one.")
    if add is not None:
        production.add_version(service, add)
    elif promote is not None:
        production.promote(service, promote)
    elif rollback:
        production.rollback(service)
    found = production.versions(service)
    if as_json:
        print(json.dumps([one.state() for one in found.known], indent=2))
        return
    _show(_listed(found.known))
    if found.decisions:
        print("\nLast decisions")
        _show(_decided(found.decisions))


def _listed(known: Sequence[Known]) -> Table:
    """A row a version."""
    from rich.table import Table

    from headstart.evaluation.report.words import metric_name
    from headstart.monitoring.history import day

    metrics = {one.metric for one in known if one.score is not None}
    table = Table(box=None, pad_edge=False)
    table.add_column("version", justify="right", no_wrap=True)
    for name in ("alias", f"test {metric_name(*metrics) if len(metrics) == 1 else 'score'}", "added"):
        table.add_column(name, no_wrap=True)
    table.add_column("path", overflow="fold", min_width=20)
    for one in known:
        score = _score(one) if len(metrics) == 1 else f"{metric_name(one.metric)} {_score(one)}".strip()
        path = str(_nearby(Path(one.version.path)))
        table.add_row(str(one.version.number), ", ".join(one.aliases), score, day(one.version.added), path)
    return table


def _decided(decisions: Sequence[Decision]) -> Table:
    """A row a decision, with its reason."""
    from rich.table import Table

    from headstart.monitoring.history import moment

    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in decisions:
        about = one.kind if one.version is None else f"{one.kind} {one.version}"
        table.add_row(moment(one.at), about, one.outcome, one.why)
    return table


def _score(one: Known) -> str:
    """Such as ``"87.9 % (78 to 95 %)"``; empty where there is none."""
    from headstart.evaluation.report.words import interval, number

    if one.score is None:
        return ""
    ends = interval(one.score, one.metric)
    return number(one.score.value, one.metric) + (f" ({ends})" if ends else "")


def _nearby(path: Path) -> Path:
    """As it is written from the working directory, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _show(table: Table) -> None:
    from rich.console import Console

    # Names may hold what rich would take for markup.
    Console(markup=False, highlight=False).print(table)
