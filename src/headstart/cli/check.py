"""headstart check."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from typer import Argument, Option

from headstart.data.layout import printable


def check(
    data: Annotated[str, Argument(metavar="DATA", help="Folder of class folders, or a table.")],
    *,
    label: Annotated[str | None, Option(metavar="COL", help="Column with the labels.")] = None,
    group: Annotated[str | None, Option(metavar="COL", help="Column that groups examples.")] = None,
    settings: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Any key of the config; may be repeated.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is in DATA, and what is wrong with it.

    The exit code is 2 where nothing can be trained on it.
    """
    from headstart.cli.request import read_request

    request = read_request({"data": data, "label": label, "group": group}, settings=settings or ())

    from headstart import workflow

    findings = workflow.check(request, stream=sys.stderr)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.level}: {printable(finding.text)}")
            for row in finding.table:
                print("  " + printable("  ".join(row)))
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(2)
