"""headstart versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from headstart.errors import RequestError

if TYPE_CHECKING:
    from headstart.records.values import Decision
    from headstart.steps.versions import Known

# Of what stands on a line of its own, below the row that it is about.
INDENT = 9 * " "


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
    for line in (*_listed(found.known), *_decided(found.decisions)):
        print(line)


def _listed(known: Sequence[Known]) -> list[str]:
    """Two lines a version: what there is to say of it, and its path, which is never cut or broken."""
    from headstart.monitoring.history import day

    head = ("version", "alias", "test", "added")
    rows = [
        (f"{one.version.number:>7}", ", ".join(one.aliases), _score(one), day(one.version.added))
        for one in known
    ]
    names, *lines = _aligned([head, *rows])
    paths = (f"{INDENT}{_nearby(Path(one.version.path))}" for one in known)
    return [names, *(line for pair in zip(lines, paths, strict=True) for line in pair)]


def _decided(decisions: Sequence[Decision]) -> list[str]:
    """Two lines a decision, the second its reason; none where there are none."""
    from headstart.monitoring.history import moment

    if not decisions:
        return []
    rows = [
        (moment(one.at), one.kind if one.version is None else f"{one.kind} {one.version}", one.outcome)
        for one in decisions
    ]
    pairs = zip(_aligned(rows), (f"{INDENT}{one.why}" for one in decisions), strict=True)
    return ["", "Last decisions", *(line for pair in pairs for line in pair)]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A line a row; columns stand below each other, however wide they are."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _score(one: Known) -> str:
    """Such as ``"accuracy 87.9 % (78 to 95 %)"``; empty where there is none."""
    from headstart.evaluation.report.words import interval, metric_name, number

    if one.score is None:
        return ""
    ends = interval(one.score, one.metric)
    return f"{metric_name(one.metric)} {number(one.score.value, one.metric)}" + (f" ({ends})" if ends else "")


def _nearby(path: Path) -> Path:
    """As it is written from the working directory, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
