"""headstart export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from headstart.errors import counted

if TYPE_CHECKING:
    from headstart.artifact.export.format import Precision
    from headstart.steps.export import Export


def export(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder, or the model folder in it.")],
    *,
    form: Annotated[
        str, Option("--format", metavar="FORMAT", help="onnx, openvino or torch (torch.export).")
    ] = "onnx",
    int8: Annotated[
        bool, Option("--int8", help="Whole numbers of 8 bits; what that loses is measured.")
    ] = False,
    fp32: Annotated[bool, Option("--fp32", help="float32, also where bfloat16 would agree.")] = False,
    max_loss: Annotated[
        float, Option(metavar="X", help="What the main metric may lose in int8 on test data.")
    ] = 0.02,
    out: Annotated[
        Path | None, Option(metavar="DIR", help="Where to; RUN/export/FORMAT unless named.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Write the model of RUN in a form that other programs compute.

    It must give the same answers to the samples that the model carries, else nothing is written.
    """
    from headstart import production
    from headstart.errors import RequestError

    if int8 and fp32:
        raise RequestError("--int8 and --fp32 exclude each other.", "Choose one.")
    precision: Precision | None = "int8" if int8 else "fp32" if fp32 else None
    found = production.export(run, form, precision=precision, out=out, max_loss=max_loss)
    if as_json:
        print(json.dumps(found.state(), indent=2))
        return
    _show(found)
    print(found.path)


def _show(found: Export) -> None:
    """The table, for people."""
    heads = ("", "size", "one alone", "of eight", found.metric if found.n else "")
    print(f"{heads[0]:<22}{heads[1]:>10}{heads[2]:>12}{heads[3]:>12}{heads[4]:>14}".rstrip(), file=sys.stderr)
    for row in found.rows:
        score = "" if row.score is None else f"{row.score:.4f}"
        times = f"{row.alone:>9.1f} ms{row.together:>9.1f} ms"
        print(f"{row.engine:<22}{row.size / 1e6:>7.1f} MB{times}{score:>14}".rstrip(), file=sys.stderr)
    where = f"on {counted(found.n, 'test example')}, {found.changed} answered in another way."
    print(
        f"{counted(found.samples, 'golden sample')} compared: scores differ by {found.difference:.1e} at "
        f"most; {where if found.n else f'not measured on data: {found.unmeasured}'}",
        file=sys.stderr,
    )
