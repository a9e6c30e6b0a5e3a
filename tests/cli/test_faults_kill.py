"""`headstart fit`, killed with SIGKILL at any moment, and gone on with (faults 1 and 2)."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("killed_fits.py")
BEFORE_THE_RUN = ["before:headstart.steps.prepare.take_in", "before:headstart.steps.supply.fill"]
OF_THE_RUN = [
    "before:headstart.steps.fitting.probe",
    "before:headstart.steps.learn.train",
    "step:3",
    "step:11",
    "before:headstart.steps.fitting.save_bundle",
    "before:headstart.steps.fitting.judge",
    "before:headstart.steps.fitting.finish_record",
    "before:headstart.steps.record.report_page",
]


def outcomes(folder: Path, data: Path, moments: list[str]) -> list[str]:
    shutil.copytree(data, folder / "data")
    command = [sys.executable, str(DRIVER), str(folder), *moments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_fit_killed_at_any_stage_ends_in_the_bytes_of_one_never_killed(
    shades: Path, tmp_path: Path
) -> None:
    found = outcomes(tmp_path, shades, BEFORE_THE_RUN + OF_THE_RUN)
    assert found == [
        *(f"{moment}: equal, begun again" for moment in BEFORE_THE_RUN),
        *(f"{moment}: equal, resumed" for moment in OF_THE_RUN),
    ]


@pytest.mark.slow
def test_a_fit_killed_before_any_change_to_the_disk_ends_in_the_bytes_of_one_never_killed(
    shades: Path, tmp_path: Path
) -> None:
    draw = random.Random(0)
    moments = [f"change:{number}" for number in draw.sample(range(1, 130), 12)]
    found = outcomes(tmp_path, shades, moments)
    assert [line for line in found if ": equal, " not in line] == []


@pytest.mark.slow
def test_a_fit_killed_at_random_ends_in_the_bytes_of_one_never_killed(shades: Path, tmp_path: Path) -> None:
    draw = random.Random(0)
    moments = [f"seconds:{draw.uniform(0.05, 1.5):.2f}" for _ in range(6)]
    found = outcomes(tmp_path, shades, moments)
    assert [line for line in found if ": equal, " not in line] == []
