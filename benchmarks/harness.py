"""Contestants in turn, each in a fresh process, and how their times compare. Knows no data and no model."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.job import Job, Outcome

ROOT = Path(__file__).parents[1]


class ContestantFailed(Exception):
    """A contestant did not finish; the text is the last that it said."""


@dataclass(frozen=True)
class Spread:
    """Median and both ends of what was measured."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """How many times the seconds of `to` are those of `of`, and how many they should be."""

    of: str
    to: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, ratio: float) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.at_least is not None:
            return ratio >= self.at_least
        return None if self.at_most is None else ratio <= self.at_most


@dataclass
class Measured:
    """What the rounds gave.

    Attributes:
        rounds: seconds by name, a round each.
        accuracy: on the test examples, by the name of the whole job.
        left_out: why a contestant is missing.
    """

    rounds: list[dict[str, float]] = field(default_factory=list)
    accuracy: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def measure(
    contestant: str,
    job: Job,
    *,
    warm_up: Path,
    python: Path | None = None,
    profile: Path | None = None,
) -> Outcome:
    """One contestant in a fresh process, with an empty cache.

    Args:
        contestant: module of `benchmarks.contestants`.
        warm_up: a small folder like the job's, which it does first, unmeasured.
        python: interpreter of the environment that it needs; None is this one.
        profile: file for where the time goes; the times are no measurement then.

    Raises:
        ContestantFailed: it ended with an error.
    """
    with TemporaryDirectory() as folder:
        request, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        asked = {
            "contestant": contestant,
            "job": asdict(job),
            "warm_up": str(warm_up),
            "profile": str(profile) if profile else None,
        }
        request.write_text(json.dumps(asked))
        variables = {"HEADSTART_CACHE": f"{folder}/cache", "OMP_NUM_THREADS": str(job.threads)}
        called([str(python or sys.executable), "-m", "benchmarks.process", request, answer], variables)
        return Outcome(**json.loads(answer.read_text()))


def called(command: Sequence[str | Path], variables: Mapping[str, str] | None = None) -> str:
    """Run a command from the root of the repository, and give what it prints.

    Args:
        command: program and arguments.
        variables: of its environment, beside those of this process.

    Raises:
        ContestantFailed: it ended with an error.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **(variables or {})}
    # Where it is set, every process compiles every module anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ContestantFailed(said[-1] if said else f"exit code {done.returncode}")
    return done.stdout


def interleave(contestants: Mapping[str, Callable[[int], Outcome]], rounds: int) -> Measured:
    """Every contestant once a round, told its number, so that a machine that slows down slows them all.

    One that fails is left out of the rounds that follow.
    """
    measured = Measured()
    for number in range(rounds):
        seconds: dict[str, float] = {}
        for name, contestant in contestants.items():
            if name in measured.left_out:
                continue
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            try:
                outcome = contestant(number)
            except ContestantFailed as error:
                measured.left_out[name] = str(error)
                continue
            seconds |= outcome.seconds
            if outcome.accuracy is not None:
                measured.accuracy.setdefault(next(iter(outcome.seconds)), []).append(outcome.accuracy)
        measured.rounds.append(seconds)
    return measured


def spread(values: Sequence[float]) -> Spread:
    """Of one or more values."""
    return Spread(statistics.median(values), min(values), max(values))


def seconds_of(rounds: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """Seconds of one name, in the rounds that have it."""
    return [seconds[name] for seconds in rounds if name in seconds]


def ratios(rounds: Sequence[Mapping[str, float]], comparison: Comparison) -> list[float]:
    """The ratio of each round that has both: both ran on the same machine at nearly the same time."""
    return [
        seconds[comparison.of] / seconds[comparison.to]
        for seconds in rounds
        if comparison.of in seconds and comparison.to in seconds
    ]
