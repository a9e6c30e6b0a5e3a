"""Checkpoints on disk: a folder each, verified when read, the best and the last two kept.

A checkpoint is whole in itself. Weights that nothing trains are not in it, but their digest is. It is
safetensors and JSON, so reading one runs no code.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from headstart.durable import Content, remove_folder, remove_leftovers, write_folder_durably
from headstart.errors import CheckpointError, RunFolderError
from headstart.training.state import TrainState

FORMAT = 1
STATE, MANIFEST = "state.json", "manifest.json"
SHOWN = 60
TENSORS = ("weights", "optimiser", "average", "best", "epoch")
# Writing checkpoints takes at most one part in so many of a run, but for those that must be.
SHARE = 20
# Bytes a second that a plain disk takes, until the first was written: two copies are made, and digested.
SPEED = 150e6


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped.

    Attributes:
        state: where it stands.
        identity: what makes it this run and no other; compared when it is resumed.
        weights: every weight and buffer that training may change, by full name.
        optimiser: its state, as `optimiser_tensors` names it; empty where its phase is over.
        average: the running average of the weights; may be empty.
        best: as `weights`, of the best validation; empty before the first, and where `weights` are it.
        epoch: what the epoch under way has given, as `Tally.tensors` names it; empty between two.
    """

    state: TrainState
    identity: Mapping[str, str]
    weights: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    epoch: Mapping[str, Tensor]

    def refuse_other_run(self, identity: Mapping[str, str], weights: Mapping[str, Tensor]) -> None:
        """Check that it belongs to a run.

        Args:
            identity: of that run.
            weights: what its checkpoints hold.

        Raises:
            CheckpointError: lists every setting that differs, and every weight that is missing, not
                expected, or of another shape.
        """
        problems = [
            f"{name}: {_short(self.identity.get(name))} there, {_short(value)} here"
            for name, value in identity.items()
            if self.identity.get(name) != value
        ]
        problems += [f"{name}: missing there" for name in sorted(weights.keys() - self.weights.keys())]
        problems += [f"{name}: not expected" for name in sorted(self.weights.keys() - weights.keys())]
        problems += [
            f"{name}: shape {tuple(self.weights[name].shape)} there, {tuple(weights[name].shape)} here"
            for name in sorted(weights.keys() & self.weights.keys())
            if self.weights[name].shape != weights[name].shape
        ]
        if problems:
            lines = "".join(f"\n  {problem}" for problem in problems)
            raise CheckpointError(
                f"The checkpoint of step {self.state.step} belongs to another run:{lines}",
                "\nResume with the model, data and settings of that run, or begin a new one.",
            )


class CheckpointFolder:
    """The checkpoints of one run: ``step-000000123/`` and so on.

    Args:
        path: made where it is missing; what killed writers left in it is removed.
        every_seconds: longest time between two checkpoints.

    Raises:
        RunFolderError: it cannot be written.
    """

    def __init__(self, path: Path, *, every_seconds: float = 300.0) -> None:
        self.path = path
        self._every_seconds = every_seconds
        self._last_time = time.monotonic()
        self._last_state: TrainState | None = None
        self._cost: float | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path)
        except OSError as error:
            raise RunFolderError(
                f"{path}: cannot be written ({error.strerror}).", "Choose another folder."
            ) from error

    def due(self) -> bool:
        """Whether the last checkpoint is long ago."""
        return time.monotonic() - self._last_time >= self._every_seconds

    def cheap(self, size: int) -> bool:
        """Whether writing one of so many bytes takes little beside what was done since the last."""
        cost = size / SPEED if self._cost is None else self._cost
        return time.monotonic() - self._last_time >= SHARE * cost

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, unless it is the last one already; then drop those no longer needed.

        Raises:
            DiskFull: the older ones are intact.
        """
        if checkpoint.state == self._last_state:
            return
        begun = time.monotonic()
        files: dict[str, Content] = {
            f"{name}.safetensors": _serialised(getattr(checkpoint, name)) for name in TENSORS
        }
        files[STATE] = _json({"identity": dict(checkpoint.identity), "state": checkpoint.state.as_dict()})
        files[MANIFEST] = lambda digests: _json({"format": FORMAT, "sha256": dict(digests)})
        step = checkpoint.state.step
        write_folder_durably(self.path / f"step-{step:09d}", files)
        self._last_time, self._last_state = time.monotonic(), checkpoint.state
        self._cost = self._last_time - begun
        best = checkpoint.state.best
        kept = {*[other for other in self._steps() if other <= step][-2:], best.step if best else step}
        for other in set(self._steps()) - kept:
            remove_folder(self.path / f"step-{other:09d}")

    def latest(self) -> tuple[Checkpoint | None, tuple[str, ...]]:
        """The newest checkpoint that is whole, or None in an empty folder; and why newer ones are not.

        Raises:
            CheckpointError: there are checkpoints, and every one is damaged.
        """
        damaged: list[str] = []
        for step in reversed(self._steps()):
            try:
                checkpoint = read_checkpoint(self.path / f"step-{step:09d}")
            except CheckpointError as error:
                damaged.append(error.cause)
                continue
            self._last_state = checkpoint.state
            return checkpoint, tuple(damaged)
        if damaged:
            raise CheckpointError(" ".join(damaged), f"Remove {self.path} to begin again.")
        return None, ()

    def _steps(self) -> list[int]:
        return sorted(int(path.name.removeprefix("step-")) for path in self.path.glob("step-*"))


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint, checking every byte of it.

    Raises:
        CheckpointError: a file is missing or is not what was written.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        contents = {name: _verified(folder / name, digest) for name, digest in manifest["sha256"].items()}
        saved = json.loads(contents[STATE])
        return Checkpoint(
            state=TrainState.from_dict(saved["state"]),
            identity=saved["identity"],
            **{name: load_tensors(contents[f"{name}.safetensors"]) for name in TENSORS},
        )
    except OSError as error:
        raise CheckpointError(f"{error.filename}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: not a checkpoint that this version reads ({error}).") from error


def _verified(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise CheckpointError(
            f"{path}: damaged: {len(content)} bytes with sha256 {found[:12]}…, "
            f"but {digest[:12]}… was written."
        )
    return content


def _serialised(tensors: Mapping[str, Tensor]) -> Callable[[Mapping[str, str]], bytes]:
    return lambda _: save_tensors(dict(tensors))


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _short(value: str | None) -> str:
    text = value or "nothing"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
