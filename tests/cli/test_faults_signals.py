"""Ctrl-C and SIGTERM at every stage of a fit (fault 4)."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import differing, send_signal, strike_at

Fit = Callable[..., tuple[int, str, str]]

BEFORE_THE_RUN = ["headstart.steps.prepare.take_in", "headstart.steps.supply.fill"]
OF_THE_RUN = [
    ("headstart.steps.fitting.probe", 1),
    ("headstart.training.loop.set_rates", 2),
    ("headstart.training.loop.set_rates", 7),
    ("headstart.training.checkpoint.CheckpointFolder.save", 1),
    ("headstart.steps.validate.Validator.temperature", 1),
    ("headstart.steps.fitting.save_bundle", 1),
    ("headstart.steps.fitting.judge", 1),
    ("headstart.steps.record.report_page", 1),
]


def interrupt(fit: Fit, out: Path, place: str, count: int, number: int) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, place, count, send_signal(number))
        return fit("--out", out)


@pytest.mark.parametrize("place", BEFORE_THE_RUN)
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_before_the_run_has_begun_leaves_nothing(
    fit: Fit, tmp_path: Path, place: str, number: int, expected: int
) -> None:
    code, printed, said = interrupt(fit, tmp_path / "run", place, 1, number)
    assert (code, printed, "Traceback" in said) == (expected, "", False), said
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_a_signal_stopped_ends_as_if_it_had_not(
    fit: Fit, whole: Path, stopped: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(stopped, tmp_path / "run"))
    assert not (run / "run.lock").exists()
    code, printed, said = fit("--resume", run)
    assert (code, printed) == (0, f"{run}\n")
    assert "Resumed from step 7" in said
    assert differing(run, whole) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(("place", "count"), OF_THE_RUN)
def test_a_signal_at_any_stage_says_how_to_go_on_and_that_ends_the_same(
    fit: Fit, whole: Path, tmp_path: Path, place: str, count: int, number: int, expected: int
) -> None:
    run = tmp_path / "run"
    code, printed, said = interrupt(fit, run, place, count, number)
    assert (code, printed, "Traceback" in said) == (expected, "", False), said
    assert said.endswith(
        f"headstart: {run}: stopped by a signal; the state is saved. "
        f"Go on with `headstart fit --resume {run}`.\n"
    )
    assert not (run / "run.lock").exists()
    assert fit("--resume", run)[0] == 0
    assert differing(run, whole) == []


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(fit: Fit, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pid = os.fork()
    if pid == 0:
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        twice = 0
        with pytest.MonkeyPatch.context() as patch:
            strike_at(patch, "headstart.training.loop.set_rates", 6, send_signal(signal.SIGTERM))
            strike_at(patch, "headstart.training.loop.Learner.checkpoint", 2, send_signal(signal.SIGTERM))
            twice = fit("--out", run)[0]
        os._exit(1 + (twice == 0))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 143
    assert (run / "run.lock").exists()
    assert fit("--resume", run)[0] == 0
    assert differing(run, whole) == []
