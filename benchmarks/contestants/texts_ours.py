"""``hs.fit`` on texts, as a user calls it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.job import Job, Outcome
from headstart import api as hs

# A fit imports it only where it pays, which it does not on the few texts of the warm-up.
with suppress(ImportError):
    import openvino  # noqa: F401


def run(job: Job) -> Outcome:
    """The whole fit: check, probe, training, test, report; and its training alone."""
    settings: dict[str, Any] = {"model.freeze": 1.0} if job.trained == "head" else {}
    if job.epochs:
        settings["train.patience"] = 0
    with TemporaryDirectory() as folder:
        began = perf_counter()
        fitted = hs.fit(
            job.data,
            technique="full" if job.epochs else None,
            epochs=job.epochs,
            lr=job.lr,
            device=job.device,
            seed=job.seed,
            out=Path(folder, "run"),
            settings=settings,
            stream=None,
        )
        total = perf_counter() - began
    seconds = {"headstart": total, "headstart, training": fitted.result["seconds"]["train"]}
    return Outcome(seconds, fitted.test.accuracy)
