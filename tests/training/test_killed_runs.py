"""Promise 6: a killed run goes on to the very same weights, bit for bit (faults 1 and 3)."""

import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("killed_runs.py")


def outcomes(folder: Path, seeds: range) -> list[str]:
    command = [sys.executable, str(DRIVER), str(folder), *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_run_killed_at_random_moments_ends_in_the_weights_of_one_never_killed(tmp_path):
    (found,) = outcomes(tmp_path, range(1, 2))
    assert found.startswith("equal after ")
    assert found != "equal after 0 kills"


@pytest.mark.slow
def test_twenty_runs_killed_at_random_moments_end_in_the_weights_of_ones_never_killed(tmp_path):
    found = outcomes(tmp_path, range(20))
    assert len(found) == 20
    assert all(line.startswith("equal after ") for line in found), found
