"""A service's folder: which file is where, how a model is made known to it, and how one is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headstart.artifact.bundle import bundle_digest, bundle_folder, load_bundle
from headstart.artifact.export.candidate import make
from headstart.artifact.model import Model
from headstart.artifact.run import RunFolder, name_for
from headstart.errors import DataError, HeadstartError, RequestError
from headstart.records.records import Records
from headstart.records.values import Predicted, Version
from headstart.records.versions import CHAMPION

Engine = Literal["auto", "openvino", "onnx", "torch"]


@dataclass(frozen=True)
class ServiceFolder:
    """The files of one service, by what they are."""

    path: Path

    @property
    def records(self) -> Path:
        """Models, answers, corrections, drift, decisions."""
        return self.path / "records.sqlite"

    @property
    def page(self) -> Path:
        """What `headstart watch` found, for people."""
        return self.path / "watch.html"

    @property
    def retrained(self) -> Path:
        """A folder for each time that a challenger was trained."""
        return self.path / "retrained"

    def reference(self, number: int) -> Path:
        """What a version gave on held-out examples."""
        return self.path / "references" / f"{number}.npz"


def service_folder(path: Path) -> ServiceFolder:
    """The service at a path.

    Raises:
        RequestError: there is none.
    """
    folder = ServiceFolder(path)
    if not folder.records.is_file():
        what = "is no service (it has no records.sqlite)" if path.exists() else "does not exist"
        raise RequestError(f"{path}: {what}.", "Name the folder that `headstart serve` keeps.")
    return folder


def champion_of(records: Records, path: Path) -> Version:
    """The version that answers in the service at a path.

    Raises:
        RequestError: none does.
    """
    champion = records.by_alias(CHAMPION)
    if champion is None:
        raise RequestError(f"{path}: no version is the champion.", "Serve a model first.")
    return champion


def usual_folder(path: Path) -> Path:
    """``services/NAME``, of the run that a model belongs to."""
    return Path("services") / own_name(path)


def own_name(path: Path) -> str:
    """What a model is called: as the run that it belongs to, or else as its folder."""
    bundle = bundle_folder(path).resolve()
    run = run_around(bundle)
    return name_for(run.path if run else bundle)


def add_model(
    records: Records, path: Path, *, like: Version | None = None, note: str = ""
) -> tuple[Version, bool]:
    """Make a model known to a service, if it is not; and whether it was not.

    One that is known, and is not where it was any more, has moved here.

    Args:
        records: of the service.
        path: of a run folder, a bundle or an export.
        like: whose question it must answer; None is any.
        note: for people.

    Raises:
        RequestError: it is of another task than that version, or of other labels altogether.
        HeadstartError: there is no model, or it is damaged.
    """
    model = load_bundle(path)
    if like is not None:
        _refuse_stranger(records, like, model)
    place, digest = str(path.resolve()), bundle_digest(path)
    known = records.versions()
    moved = [one for one in known if one.sha256 == digest and not Path(one.path).exists()]
    if moved and not any(one.sha256 == digest and one.path == place for one in known):
        return records.move_version(moved[-1].number, place), False
    version = records.add_version(place, digest, task=model.task.name, labels=model.labels, note=note)
    return version, version not in known


def _refuse_stranger(records: Records, like: Version, model: Model) -> None:
    strangers = model.labels and like.labels and not set(model.labels) & set(like.labels)
    if like.task != model.task.name or strangers:
        raise RequestError(
            f"{records.path.parent}: this service answers something else: {like.task}, by {like.path}.",
            "Name another folder with --service.",
        )


def opened(
    version: Version,
    engine: Engine = "auto",
    device: str = "cpu",
    *,
    say: Callable[[str], None] | None = None,
) -> Model:
    """A version's model, on the engine that serves it.

    An export is computed as it was exported. Another model is on a processor given to OpenVINO, where that
    gives the same answers to its golden samples; else to torch.

    Args:
        version: of a service.
        engine: that computes.
        device: of torch.
        say: is told why it is torch.

    Raises:
        HeadstartError: it is gone, damaged, other than it was, or not what the engine takes.
    """
    path = Path(version.path)
    if not path.exists():
        raise RequestError(
            f"{path}: version {version.number} of the service is not there any more.",
            "Put it back, or name its new place: headstart versions SERVICE --add RUN. Or let another "
            "version answer: headstart versions SERVICE --promote N.",
        )
    model = load_bundle(path, device=device)
    if bundle_digest(path) != version.sha256:
        raise RequestError(
            f"{path}: is not the model that became version {version.number}: it was changed since.",
            "Add it as a new version: headstart versions SERVICE --add RUN.",
        )
    if "engine" in model.facts or engine == "torch" or device != "cpu":
        return model
    if engine != "auto":
        return make(model, engine, None).model
    try:
        return make(model, "openvino", None).model
    except HeadstartError as error:
        # It writes word by word, is older than golden samples, or would answer in another way.
        if say is not None:
            say(f"Torch computes, not OpenVINO: {error.cause}")
        return model


def said_by(label: str | None, scores: Mapping[str, float]) -> set[str]:
    """The labels that an answer says: the one, or of several those that are more probable than not."""
    return {label} if label is not None else {name for name, share in scores.items() if share > 0.5}


def said_in(row: Predicted, version: Version) -> set[str]:
    """The labels that a recorded answer of a version says."""
    return said_by(row.label, dict(zip(version.labels, row.scores, strict=True)))


def run_of(path: Path) -> RunFolder:
    """The run folder around a bundle or an export, or the one itself.

    Raises:
        DataError: there is none.
    """
    run = run_around(path)
    if run is None:
        raise DataError(f"{path}: no run is around it.", "Serve the run folder.")
    return run


def run_around(path: Path) -> RunFolder | None:
    """The run folder that a folder is in, or is; None where there is none."""
    runs = map(RunFolder, (path, *path.parents))
    return next((run for run in runs if run.config.is_file()), None)
