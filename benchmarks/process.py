"""One contestant in a process of its own: warmed up on a few examples, with all imported, then measured.

``python -m benchmarks.process REQUEST ANSWER``, both JSON files.
"""

from __future__ import annotations

import cProfile
import importlib
import json
import os
import pstats
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.job import Job

SHOWN = 25  # functions in a profile


def main(request_file: str, answer_file: str) -> None:
    """Read the request, run the contestant, write its outcome."""
    request = json.loads(Path(request_file).read_text())
    contestant = importlib.import_module(f"benchmarks.contestants.{request['contestant']}")
    job = Job(**request["job"])
    contestant.run(replace(job, data=request["warm_up"], epochs=1, measured=1))
    # What was computed once must not be found again by the run that is measured.
    shutil.rmtree(os.environ["HEADSTART_CACHE"], ignore_errors=True)
    profile = cProfile.Profile()
    if request["profile"]:
        profile.enable()
    outcome = contestant.run(job)
    profile.disable()
    if request["profile"]:
        with Path(request["profile"]).open("w") as stream:
            pstats.Stats(profile, stream=stream).strip_dirs().sort_stats("cumulative").print_stats(SHOWN)
    Path(answer_file).write_text(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main(*sys.argv[1:])
