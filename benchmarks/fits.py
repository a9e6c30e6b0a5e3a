"""One row on one set of photos: who takes part, with what job, in which environment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.harness import Measured, interleave, measure
from benchmarks.job import Job
from benchmarks.machine import cores
from benchmarks.rows import RIVALS, Row
from headstart.sources.resolve import load

BATCH_SIZE = 32


@dataclass(frozen=True)
class Photos:
    """Photos that are divided into train/, val/ and test/.

    Attributes:
        name: in the names of files of results.
        title: as the table has it.
        folder: where they are.
    """

    name: str
    title: str
    folder: Path


@dataclass(frozen=True)
class Setting:
    """What all rows share.

    Attributes:
        device: "cpu" or "cuda".
        rounds: how often every contestant runs.
        whole: whether the loops run every epoch.
        weights: file of the pretrained network.
        warm_up: folder of a few photos.
        rivals: interpreter of the environment that has them; None leaves them out.
    """

    device: str
    rounds: int
    whole: bool
    weights: Path
    warm_up: Path
    rivals: Path | None


def save_weights(path: Path) -> Path:
    """The pretrained network as timm's state dict, for the contestants that do not know headstart."""
    torch.save(load("builtin:efficientnet-lite0").module.state_dict(), path)
    return path


def job_of(row: Row, photos: Photos, setting: Setting) -> Job:
    """What every contestant of a row is given."""
    return Job(
        data=str(photos.folder),
        weights=str(setting.weights),
        trained=row.trained,
        augmented=row.augmented,
        epochs=row.epochs,
        measured=row.epochs if setting.whole else row.measured,
        lr=row.lr,
        batch_size=BATCH_SIZE,
        device=setting.device,
        threads=cores(),
    )


def measure_row(row: Row, photos: Photos, setting: Setting) -> Measured:
    """Every contestant in every round."""
    job = job_of(row, photos, setting)
    pythons: dict[str, Path | None] = dict.fromkeys(row.contestants)
    if setting.rivals:
        pythons |= dict.fromkeys(RIVALS, setting.rivals)
    contestants = {
        name: partial(measure, name, job, warm_up=setting.warm_up, python=python)
        for name, python in pythons.items()
    }
    return interleave(contestants, setting.rounds)


def profile_row(row: Row, photos: Photos, setting: Setting, file: Path) -> None:
    """Write where headstart spends its time: a run of its own, slowed down by the profiler."""
    measure("ours", job_of(row, photos, setting), warm_up=setting.warm_up, profile=file)
