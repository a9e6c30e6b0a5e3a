"""How long it takes until headstart does anything, beside Python itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from benchmarks.harness import Comparison, called
from benchmarks.job import Outcome

NAME, TITLE = "start-up", "start-up"
ROUNDS = 7
COMMANDS: dict[str, Sequence[str | Path]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "import headstart": (sys.executable, "-c", "import headstart"),
    "headstart --help": (Path(sys.executable).with_name("headstart"), "--help"),
}
COMPARISONS = (
    Comparison("import headstart", "python -c pass"),
    Comparison("headstart --help", "python -c pass"),
)


def contestants() -> dict[str, Callable[[int], Outcome]]:
    """Each command, run once unmeasured, so that its modules are compiled and in memory."""
    for command in COMMANDS.values():
        called(command)
    return {name: partial(_timed, name) for name in COMMANDS}


def _timed(name: str, _: int) -> Outcome:
    began = perf_counter()
    called(COMMANDS[name])
    return Outcome({name: perf_counter() - began})
