"""``hs.fit``, as a user calls it, and what it took: the whole of it, and its training alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.job import Job, Outcome
from headstart import api as hs

# A fit imports it only where it pays, which it does not on the few examples of the warm-up.
with suppress(ImportError):
    import openvino  # noqa: F401


def timed_fit(job: Job, **request: Any) -> Outcome:
    """The whole fit: check, probe, training, test, report.

    Args:
        job: says what data, how long, how fast and where.
        request: what else `hs.fit` is asked.
    """
    with TemporaryDirectory() as folder:
        began = perf_counter()
        fitted = hs.fit(
            job.data,
            epochs=job.epochs,
            lr=job.lr,
            device=job.device,
            out=Path(folder, "run"),
            stream=None,
            **request,
        )
        total = perf_counter() - began
    seconds = {"headstart": total, "headstart, training": fitted.result["seconds"]["train"]}
    return Outcome(seconds, fitted.test.accuracy)
