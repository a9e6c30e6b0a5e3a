"""``hs.fit``, as a user calls it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.job import Job, Outcome
from headstart import api as hs

# A fit imports it only where it pays, which it does not on the few photos of the warm-up.
with suppress(ImportError):
    import openvino  # noqa: F401

FROZEN = {"head": 1.0, "last block": -2}
AUGMENTED = {"augment.horizontal_flip": 0.5, "augment.crop": 0.35}


def run(job: Job) -> Outcome:
    """The whole fit: check, probe, training, test, report; and its training alone."""
    settings: dict[str, Any] = {"train.patience": 0, "augment.policy": "none"}
    if job.augmented:
        settings |= AUGMENTED
    if job.trained in FROZEN:
        settings["model.freeze"] = FROZEN[job.trained]
    with TemporaryDirectory() as folder:
        began = perf_counter()
        fitted = hs.fit(
            job.data,
            model="builtin:efficientnet-lite0",
            technique="full",
            epochs=job.epochs,
            lr=job.lr,
            batch_size=job.batch_size,
            device=job.device,
            out=Path(folder, "run"),
            settings=settings,
            stream=None,
        )
        total = perf_counter() - began
    seconds = {"headstart": total, "headstart, training": fitted.result["seconds"]["train"]}
    return Outcome(seconds, fitted.test.accuracy)
