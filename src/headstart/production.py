"""The table of contents, continued: what headstart does with a model that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from headstart.evaluation.succession import MARGIN
from headstart.records.values import USUAL, Bounds
from headstart.steps.deploy import deploy_model as deploy
from headstart.steps.export import export_run as export
from headstart.steps.records import recorded as records
from headstart.steps.retrain import Retrained, retrain_service
from headstart.steps.service import Engine
from headstart.steps.to_label import take_labels
from headstart.steps.versions import add as add_version
from headstart.steps.versions import promote, rollback
from headstart.steps.versions import versions_of as versions
from headstart.steps.watch import look as watch
from headstart.training.machine import keep_freed_memory

if TYPE_CHECKING:
    from headstart.service.options import ServiceOptions

__all__ = [
    "add_version",
    "deploy",
    "export",
    "promote",
    "records",
    "retrain",
    "rollback",
    "serve",
    "take_labels",
    "versions",
    "watch",
]


def serve(
    path: Path,
    options: ServiceOptions,
    *,
    service: Path | None = None,
    engine: Engine = "auto",
    device: str = "cpu",
    bounds: Bounds = USUAL,
    stream: TextIO | None = None,
) -> None:
    """Answer over HTTP, and record it, until SIGTERM or SIGINT.

    Args:
        path: a run folder, a bundle, an export, or the folder of a service.
        options: of the server.
        service: the folder that it is recorded in; None is ``services/NAME``.
        engine: that computes.
        device: of torch.
        bounds: of what is recorded.
        stream: where is said what is served; None says nothing.
    """
    from headstart.service.extra import require_packages

    # What it needs is an extra, which nothing else should miss.
    require_packages()
    from headstart.steps.serve import serve_model

    serve_model(path, options, service=service, engine=engine, device=device, bounds=bounds, stream=stream)


def retrain(
    path: Path,
    data: Path | None = None,
    *,
    label: str | None = None,
    if_needed: bool = False,
    margin: float = MARGIN,
    time_limit: float | None = None,
    stream: TextIO | None = None,
) -> Retrained:
    """A challenger from corrections and new data, promoted if it is no worse; see `retrain_service`."""
    keep_freed_memory()
    return retrain_service(
        path, data, label=label, if_needed=if_needed, margin=margin, time_limit=time_limit, stream=stream
    )
