"""A run, served: its service's folder made ready, and the server run until a signal stops it."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

from headstart.artifact.model import Model
from headstart.artifact.run import name_for
from headstart.errors import RequestError
from headstart.records.records import Records
from headstart.records.values import Bounds, Decision, Version
from headstart.records.versions import CHAMPION
from headstart.service.app import build_app
from headstart.service.options import ServiceOptions, usable_name
from headstart.service.server import bound, run_server
from headstart.steps.reference import keep_reference
from headstart.steps.service import Engine, ServiceFolder, add_model, opened, usual_folder
from headstart.training.machine import give_back_freed_memory, keep_freed_memory


def serve_model(
    path: Path,
    options: ServiceOptions,
    *,
    service: Path | None,
    engine: Engine,
    device: str,
    bounds: Bounds,
    stream: TextIO | None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        path: a run folder, a bundle, an export, or the folder of a service.
        options: of the server; without a name, that of the run is taken, or of the folder of the service.
        service: its folder; None is ``services/NAME``.
        engine: that computes.
        device: of torch.
        bounds: of what is recorded.
        stream: where is said what is served; None says nothing.

    Raises:
        HeadstartError: there is no model, or the address cannot be listened on.
    """
    existing = ServiceFolder(path).records.is_file()
    usual = path if existing else usual_folder(path)
    folder = ServiceFolder(path if existing else service or usual)
    options = options if options.name else replace(options, name=usable_name(name_for(usual)))

    def open_version(version: Version) -> Model:
        model = opened(version, engine, device, say=partial(_say, stream))
        _say(stream, keep_reference(folder, version, model))
        return model

    # The address first: where it is taken, nothing is made.
    with bound(options) as listener, Records(folder.records, bounds) as records:
        if not existing:
            _say(stream, _made_known(records, path))
        _say(stream, f"Service {folder.path}: {_of(records)}.")
        app = build_app(records, open_version, options)
        # Opening takes much more than answering: the network that an engine was made of, and its graph.
        give_back_freed_memory()
        keep_freed_memory()
        run_server(app, options, listener)


def _made_known(records: Records, path: Path) -> str:
    """Add a model to the records; a new one becomes champion, as whoever starts a server means it.

    Raises:
        RequestError: the service is of another task, or of other labels altogether.
    """
    champion = records.by_alias(CHAMPION)
    version, new = add_model(records, path, like=champion)
    if champion is None or new:
        why = "headstart serve was started with it"
        decision = Decision(time.time(), "serve", version.number, "promoted", why, {})
        if not records.succeed(decision, instead_of=champion.number if champion else None):
            raise RequestError(
                f"{path}: another process chose a champion at the same moment.",
                "Start again.",
            )
    elif champion.number != version.number:
        return (
            f"{path} is version {version.number}; version {champion.number} has become champion since, and "
            f"stays it. headstart versions SERVICE --promote {version.number} changes that."
        )
    return ""


def _of(records: Records) -> str:
    champion = records.by_alias(CHAMPION)
    return "no champion" if champion is None else f"version {champion.number}, {champion.path}"


def _say(stream: TextIO | None, sentence: str) -> None:
    if stream is not None and sentence:
        print(sentence, file=stream, flush=True)
