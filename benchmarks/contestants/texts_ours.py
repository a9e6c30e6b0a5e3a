"""Headstart on texts."""

from __future__ import annotations

from typing import Any

from benchmarks.contestants.fitting import timed_fit
from benchmarks.job import Job, Outcome


def run(job: Job) -> Outcome:
    """A fit of the layers of the job; its own defaults where the job has no epochs."""
    settings: dict[str, Any] = {"model.freeze": 1.0} if job.trained == "head" else {}
    if job.epochs:
        settings["train.patience"] = 0
    return timed_fit(job, technique="full" if job.epochs else None, seed=job.seed, settings=settings)
