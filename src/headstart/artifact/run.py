"""The run folder: which file is where, and that one process at a time writes it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from headstart.durable import is_leftover, write_file_durably
from headstart.errors import Held, RunFolderError


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, by what they are."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved request."""
        return self.path / "config.toml"

    @property
    def plan(self) -> Path:
        """Every decision with its reason."""
        return self.path / "plan.json"

    @property
    def data(self) -> Path:
        """Fingerprint, findings, splits by example id."""
        return self.path / "data.json"

    @property
    def metrics(self) -> Path:
        """One event a line."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """A folder a checkpoint."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def model(self) -> Path:
        """The bundle."""
        return self.path / "model"

    @property
    def test_predictions(self) -> Path:
        """Scores of every test example."""
        return self.path / "predictions" / "test.csv"

    @property
    def held_out_predictions(self) -> Path:
        """Scores of every example that was held out of training to judge it; of tasks with a probe."""
        return self.path / "predictions" / "held-out.csv"

    @property
    def suspects(self) -> Path:
        """Training and validation examples whose label looks wrong."""
        return self.path / "suspects.csv"

    @property
    def result(self) -> Path:
        """Scores for programs; written last: a run that has it is finished."""
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def lock(self) -> Path:
        """Who writes here now."""
        return self.path / "run.lock"


def name_for(data: Path) -> str:
    """What a run on this data is called: as the folder or the table, whatever way it was written."""
    return data.resolve().stem or "run"


def next_free(parent: Path, name: str) -> Path:
    """``parent/name``, or ``parent/name-2`` and so on where it is taken."""
    path, number = parent / name, 1
    while path.exists():
        number += 1
        path = parent / f"{name}-{number}"
    return path


def existing_run(path: Path) -> RunFolder:
    """The run folder at a path.

    Raises:
        RunFolderError: there is none.
    """
    folder = RunFolder(path)
    if not folder.config.is_file():
        what = "is not a run folder (it has no config.toml)" if path.exists() else "does not exist"
        raise RunFolderError(f"{path}: {what}.", "Name the folder that `headstart fit` wrote.")
    return folder


@contextmanager
def new_run(path: Path) -> Iterator[RunFolder]:
    """Make and lock a run folder; one in which nothing was written is removed again.

    Raises:
        RunFolderError: it holds a run already, cannot be written, or is in use.
    """
    folder = RunFolder(path)
    made = [parent for parent in (path, *path.parents) if not parent.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with locked(folder):
            _refuse_used(folder)
            yield folder
    finally:
        for empty in made:
            if any(empty.iterdir()):
                break
            empty.rmdir()


@contextmanager
def unfinished_run(path: Path) -> Iterator[RunFolder]:
    """Lock a run folder whose run did not end.

    Raises:
        RunFolderError: it is no run, is finished, cannot be written, or is in use.
    """
    folder = existing_run(path)
    with locked(folder):
        if folder.result.exists():
            raise RunFolderError(f"{path}: this run is finished.", "There is nothing to resume.")
        yield folder


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold a run folder. The system lets go of it when this process dies, however that comes about.

    Raises:
        RunFolderError: another process holds it, or the folder cannot be written.
    """
    try:
        file = _held(folder)
    except BlockingIOError as error:
        raise Held(
            f"{folder.path}: {_holder(folder)} is writing here.", "Wait for it, or stop it."
        ) from error
    except OSError as error:
        raise _unwritable(folder.path, error) from error
    with file:
        try:
            _sign(folder, file)
            yield
        finally:
            folder.lock.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_file_durably(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON file that a run wrote.

    Args:
        path: of the file.
        keys: that it must have.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    try:
        value: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: missing.", "The run did not get that far; finish it first.") from error
    except (ValueError, OSError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error}).", "The file is damaged.") from error
    lacking = [key for key in keys if not isinstance(value, dict) or key not in value]
    if lacking:
        raise RunFolderError(f"{path}: lacks {', '.join(lacking)}.", "The file is damaged; begin a new run.")
    return value


def _refuse_used(folder: RunFolder) -> None:
    path = folder.path
    if folder.result.exists():
        raise RunFolderError(f"{path}: holds a finished run.", "Choose another --out, or remove it.")
    if folder.config.exists():
        raise RunFolderError(
            f"{path}: holds an unfinished run.",
            f"Continue it with `headstart fit --resume {path}`, or choose another --out.",
        )
    if any(entry != folder.lock and not is_leftover(entry) for entry in path.iterdir()):
        raise RunFolderError(f"{path}: is not empty, and not a run.", "Choose another --out.")


def _held(folder: RunFolder) -> FileIO:
    """The lock file, open and locked."""
    while True:
        file = FileIO(folder.lock, "a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        # Between the two, who held it may have ended and removed it.
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _sign(folder: RunFolder, file: FileIO) -> None:
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
    except OSError as error:
        raise _unwritable(folder.path, error) from error


def _holder(folder: RunFolder) -> str:
    try:
        return folder.lock.read_text() or "another process"
    except OSError:
        return "another process"


def _unwritable(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(f"{path}: cannot be written ({error.strerror}).", "Choose another --out.")
