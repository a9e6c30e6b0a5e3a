"""headstart serve."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from typer import Argument, BadParameter, Option

from headstart.errors import RequestError

if TYPE_CHECKING:
    from headstart.steps.service import Engine

TOKEN = "HEADSTART_TOKEN"


def _finite(value: float) -> float:
    """A number of 0 or more."""
    if not (math.isfinite(value) and value >= 0):
        raise BadParameter(f"must be a number of 0 or more. Got {value}.")
    return value


def _positive(value: float) -> float:
    """A number of more than 0."""
    if not (math.isfinite(value) and value > 0):
        raise BadParameter(f"must be a number of more than 0. Got {value}.")
    return value


def serve(
    run: Annotated[
        Path, Argument(metavar="RUN", help="A run folder, an export, or the folder of a service.")
    ],
    *,
    host: Annotated[str, Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    service: Annotated[
        Path | None, Option(metavar="DIR", help="Where the service is recorded; services/NAME unless named.")
    ] = None,
    engine: Annotated[
        str, Option(help="auto, openvino, onnx or torch; auto is OpenVINO where it gives the same answers.")
    ] = "auto",
    device: Annotated[str, Option(help="cpu, cuda, cuda:1 or mps; torch alone leaves the cpu.")] = "cpu",
    token_file: Annotated[
        Path | None, Option(metavar="FILE", help=f"Has the token that requests must bear; or {TOKEN}.")
    ] = None,
    is_open: Annotated[bool, Option("--open", help="Let other machines ask without a token.")] = False,
    name: Annotated[str, Option(help="Of the model, in addresses; that of the run unless named.")] = "",
    keep_inputs: Annotated[
        bool, Option("--keep-inputs", help="Record inputs too: whoever sends them must have consented.")
    ] = False,
    sample: Annotated[
        float, Option(min=0, max=1, callback=_finite, help="Share of the answers that is recorded.")
    ] = 1.0,
    max_batch: Annotated[int, Option(min=1, help="Inputs computed together, at most.")] = 16,
    max_wait: Annotated[
        float, Option(metavar="MS", callback=_finite, help="That an input waits for others.")
    ] = 5.0,
    deadline: Annotated[
        float, Option(metavar="SECONDS", callback=_positive, help="Of a request, from its first byte.")
    ] = 30.0,
    max_body: Annotated[
        float,
        Option(
            metavar="MB",
            max=1_000_000,
            callback=_positive,
            help="Of a request, after decompression; JSON and CSV may have a quarter.",
        ),
    ] = 32.0,
    max_characters: Annotated[int, Option(min=1, help="Of a text.")] = 100_000,
) -> None:
    """Answer over HTTP until SIGTERM, with a page to try it at the address that is printed.

    What it answers is recorded in the folder of the service, for `headstart watch` and `headstart retrain`.
    """
    from headstart import production
    from headstart.service.options import MEGABYTE, ServiceOptions

    body = math.ceil(max_body * MEGABYTE)
    options = ServiceOptions(
        host=host,
        port=port,
        token=_token(token_file),
        open=is_open,
        name=name,
        sample=sample,
        keep_inputs=keep_inputs,
        max_batch=max_batch,
        max_wait_ms=max_wait,
        deadline=deadline,
        body=body,
        bodies=max(body, ServiceOptions.bodies),
        characters=max_characters,
    )
    production.serve(
        run, options, service=service, engine=cast("Engine", engine), device=device, stream=sys.stderr
    )


def _token(file: Path | None) -> str:
    """From a file or the environment: arguments are seen by everybody on the machine.

    Raises:
        RequestError: one of them is given, and has none.
    """
    if file is None and TOKEN not in os.environ:
        return ""
    stated = os.environ.get(TOKEN, "") if file is None else file.read_text("utf-8", "replace")
    if not stated.strip():
        where = f"The variable {TOKEN}" if file is None else f"{file}:"
        raise RequestError(f"{where} has no token.", "Write one into it, or leave it out to serve without.")
    return stated.strip()
