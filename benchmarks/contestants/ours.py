"""Headstart on photos."""

from __future__ import annotations

from typing import Any

from benchmarks.contestants.fitting import timed_fit
from benchmarks.job import Job, Outcome

FROZEN = {"head": 1.0, "last block": -2}
AUGMENTED = {"augment.horizontal_flip": 0.5, "augment.crop": 0.35}


def run(job: Job) -> Outcome:
    """A fit of the layers and with the augmentation of the job."""
    settings: dict[str, Any] = {"train.patience": 0, "augment.policy": "none"}
    if job.augmented:
        settings |= AUGMENTED
    if job.trained in FROZEN:
        settings["model.freeze"] = FROZEN[job.trained]
    return timed_fit(
        job,
        model="builtin:efficientnet-lite0",
        technique="full",
        batch_size=job.batch_size,
        settings=settings,
    )
