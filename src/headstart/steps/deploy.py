"""A model, written for another server or a cluster: exported where that is needed, and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from headstart.artifact.bundle import CARD, bundle_folder, load_bundle
from headstart.artifact.deploy.target import NAMES, Settings, Source, Target
from headstart.artifact.export.candidate import make
from headstart.artifact.export.format import Precision
from headstart.artifact.golden import check
from headstart.artifact.model import Model
from headstart.catalog import DEPLOYS, resolve
from headstart.durable import write_folder_durably
from headstart.errors import RequestError, RunFolderError
from headstart.steps.service import own_name


@dataclass(frozen=True)
class Deployment:
    """What was written.

    Attributes:
        path: the folder; README.md in it says how to run it.
        name: of the model there.
        engine: what computes it, for people.
    """

    path: Path
    name: str
    engine: str


def deploy_model(
    path: Path,
    target: str,
    out: Path,
    *,
    settings: Settings,
    form: str | None = None,
    precision: Precision | None = None,
) -> Deployment:
    """Write what a target needs of a model.

    Args:
        path: a run folder, a bundle or an export.
        target: its name.
        out: where to.
        settings: of the target; without a name, the run's is taken.
        form: of export to make; None is none, or where the target needs one, the first that it computes.
        precision: in which an export is to compute; None is the fastest that agrees.

    Raises:
        HeadstartError: with what is wrong; nothing is written then.
    """
    wanted: type[Target] = resolve("target", target, DEPLOYS)
    if out.exists():
        raise RunFolderError(f"{out}: is there already.", "Remove it, or choose another --out.")
    settings = settings if settings.name else replace(settings, name=usual_name(path))
    with _source(path, wanted.engines(settings), form, precision) as source:
        write_folder_durably(out, wanted.files(source, settings))
        return Deployment(out, settings.name, source.model.engine)


def usual_name(path: Path) -> str:
    """That of the model, as far as names of deployments have its signs."""
    name = re.sub(r"[^a-z0-9]+", "-", own_name(path).lower()).strip("-")[:40].strip("-")
    return name if NAMES.fullmatch(name) else f"model-{name}"[:40].strip("-")


@contextmanager
def _source(
    path: Path, engines: tuple[str, ...], form: str | None, precision: Precision | None
) -> Iterator[Source]:
    """The model in a folder, in a form that is computed where it goes."""
    model = load_bundle(path)
    folder = bundle_folder(path)
    if "engine" in model.facts:
        yield _as_it_is(folder, model, engines, form)
        return
    if form is None and engines:
        form = engines[0]
    if form is None:
        check(model)
        yield Source(folder, model)
        return
    if engines and form not in engines:
        raise RequestError(f"'{form}' is not computed there.", f"Choose a --format of: {', '.join(engines)}.")
    made = make(model, form, precision)
    with TemporaryDirectory() as temporary:
        out = Path(temporary) / "export"
        made.write(out, card=(folder / CARD).read_text() if (folder / CARD).is_file() else "")
        yield Source(out, load_bundle(out))


def _as_it_is(folder: Path, model: Model, engines: tuple[str, ...], form: str | None) -> Source:
    """An export, which must be of the form that is asked for."""
    source = Source(folder, model)
    if form not in (None, source.engine) or (engines and source.engine not in engines):
        there = form or " or ".join(engines)
        raise RequestError(
            f"{folder}: is an export of the form {source.engine}, and {there} is needed.",
            "Name the run that it was made of.",
        )
    check(model)
    return source
