"""headstart demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def demo(
    name: Annotated[str, Argument(metavar="[NAME]", help="Which: image.")] = "image",
    *,
    out: Annotated[Path | None, Option(metavar="DIR", help="The run folder.")] = None,
) -> None:
    """Run a real fine-tune, with nothing to prepare.

    Prints the run folder.
    """
    from headstart import workflow

    print(workflow.demo(name, out, stream=sys.stderr).path)
