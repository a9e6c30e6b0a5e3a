"""The table of contents, continued: what headstart does with a model that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from headstart.artifact.deploy.target import Settings
from headstart.artifact.export.format import Precision
from headstart.evaluation.succession import MARGIN
from headstart.records.values import USUAL, Bounds, Version
from headstart.steps.deploy import Deployment, deploy_model
from headstart.steps.export import MAX_LOSS, Export, export_run
from headstart.steps.records import Recorded, recorded
from headstart.steps.retrain import Retrained, retrain_service
from headstart.steps.service import Engine
from headstart.steps.to_label import take_labels as labels_of_table
from headstart.steps.versions import Versions, add, versions_of
from headstart.steps.versions import promote as promote_version
from headstart.steps.versions import rollback as roll_back
from headstart.steps.watch import ALPHA, WINDOW, Look, look
from headstart.training.machine import keep_freed_memory

if TYPE_CHECKING:
    from headstart.service.options import ServiceOptions


def export(
    path: Path,
    name: str,
    *,
    precision: Precision | None = None,
    out: Path | None = None,
    max_loss: float = MAX_LOSS,
) -> Export:
    """The model of a run in a form that other programs compute, checked before it is written.

    Args:
        path: a run folder or a bundle.
        name: of the format.
        precision: in which it is to compute; None is the format's fastest that agrees.
        out: where; None is ``export/NAME`` beside the bundle.
        max_loss: what the main metric may lose in int8.

    Raises:
        HeadstartError: it gives other answers, or cannot be made; nothing is written.
    """
    return export_run(path, name, precision=precision, out=out, max_loss=max_loss)


def deploy(
    path: Path,
    target: str,
    out: Path,
    *,
    settings: Settings,
    form: str | None = None,
    precision: Precision | None = None,
) -> Deployment:
    """A folder from which another server serves a model: Triton, KServe, Ray Serve or MLflow.

    Args:
        path: a run folder, a bundle or an export.
        target: by the name in the catalogue.
        out: the folder.
        settings: of the target.
        form: of the export that it needs; None is the target's own.
        precision: of that export.

    Raises:
        HeadstartError: it cannot be made; nothing is written.
    """
    return deploy_model(path, target, out, settings=settings, form=form, precision=precision)


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

    keep_freed_memory()
    serve_model(path, options, service=service, engine=engine, device=device, bounds=bounds, stream=stream)


def watch(path: Path, *, size: int = WINDOW, alpha: float = ALPHA, now: bool = False) -> Look:
    """Whether what a service answers has changed since training; see `steps.watch.look`."""
    return look(path, size=size, alpha=alpha, now=now)


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


def versions(path: Path) -> Versions:
    """The models of a service, which one answers, and what was decided."""
    return versions_of(path)


def add_version(path: Path, run: Path) -> Version:
    """Make a model known to a service."""
    return add(path, run)


def promote(path: Path, number: int) -> Version:
    """Let a version answer, once it has passed its golden samples."""
    return promote_version(path, number)


def rollback(path: Path) -> Version:
    """Let the former champion answer again, once it has passed its golden samples."""
    return roll_back(path)


def records(path: Path, parquet: Path | None = None) -> Recorded:
    """What a service has recorded; as Parquet tables too, in the folder `parquet`."""
    return recorded(path, parquet)


def take_labels(path: Path, table: Path) -> int:
    """Write down the labels of a table with the columns id and label; how many there were."""
    return labels_of_table(path, table)
