"""Signals and deadlines (fault 4)."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from toy import Network, Recorder, run, same

from headstart.contracts import PhaseEnded, StepDone
from headstart.training import stopping
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.observers import MetricsFile
from headstart.training.schedule import rate_factor
from headstart.training.stopping import PART_OVER, Stop, stop_on_signals


class SignalAt(Recorder):
    """Sends this process a signal in the middle of a step."""

    def __init__(self, step: int, number: int) -> None:
        super().__init__()
        self.step, self.number = step, number

    def notify(self, event):
        super().notify(event)
        if isinstance(event, StepDone) and event.step == self.step:
            os.kill(os.getpid(), self.number)


SIGNALS = [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")]
MIDDLE_OF_AN_EPOCH, END_OF_A_PHASE = 8, 12


@contextmanager
def noted(number: int) -> Iterator[list[int]]:
    """What the handler that was there before gets."""
    received: list[int] = []
    before = signal.signal(number, lambda number, _: received.append(number))
    yield received
    signal.signal(number, before)


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if '"resumed"' not in line]


@pytest.mark.parametrize(("number", "why"), SIGNALS)
@pytest.mark.parametrize("step", [MIDDLE_OF_AN_EPOCH, END_OF_A_PHASE])
def test_a_signal_stops_at_the_next_step_reaches_its_handler_and_the_run_goes_on(tmp_path, number, why, step):
    whole, stopped, resumed = Network(), Network(), Network()
    whole_file, stopped_file = MetricsFile(tmp_path / "whole.jsonl"), MetricsFile(tmp_path / "stopped.jsonl")
    run(tmp_path / "whole", whole, observers=[whole_file])
    observer = SignalAt(step, number)
    with noted(number) as received, stop_on_signals() as stop:
        result = run(tmp_path / "stopped", stopped, stop=stop, observers=[observer, stopped_file])
    assert received == [number]
    assert (result.stopped, result.steps) == (why, step)
    assert observer.of(PhaseEnded)[-1].why == why
    found, _ = CheckpointFolder(tmp_path / "stopped" / "checkpoints").latest()
    assert found.state.step == step
    recorder = Recorder()
    assert run(tmp_path / "stopped", resumed, observers=[recorder, stopped_file]).stopped is None
    assert recorder.of(StepDone)[0].step == step + 1
    assert same(whole, resumed)
    assert lines(tmp_path / "whole.jsonl") == lines(tmp_path / "stopped.jsonl")


TWICE = """
import os, signal
from headstart.training.observers import MetricsFile
from headstart.training.stopping import stop_on_signals
with stop_on_signals() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    print(stop(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here", flush=True)
"""


def test_a_second_signal_ends_the_process_at_once():
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert done.stdout == "terminated\n"


def test_the_old_handlers_are_back_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_off_the_main_thread_there_is_a_deadline_only():
    found = []

    def work():
        with stop_on_signals(seconds=0) as stop:
            found.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["time limit"]


def test_a_deadline_far_off_and_no_deadline_stop_nothing():
    assert Stop()() is None
    assert Stop(3600)() is None


class Now:
    """A clock that goes on only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = 1000.0
        monkeypatch.setattr(stopping.time, "monotonic", lambda: self.time)


def test_what_comes_after_training_is_left_out_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Now(monkeypatch)
    stop = Stop(60)
    stop.leave(20)
    assert (stop.left, stop.left_in_all) == (40, 60)
    now.time += 39
    assert stop() is None
    now.time += 1
    assert stop() == "time limit"
    stop.leave(5)  # The end turns out to be shorter.
    assert (stop(), stop.left) == (None, 15)


def test_phases_share_the_time_and_what_one_leaves_over_goes_to_those_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = Now(monkeypatch)
    stop = Stop(90)
    stop.begin(3)
    now.time += 15
    assert (stop.used(), stop()) == (0.5, None)
    stop.begin(2)  # The first was over early: 75 seconds are left for two.
    now.time += 37.5
    assert (stop.used(), stop()) == (1.0, PART_OVER)
    stop.begin(1)
    now.time += 18.75
    assert (stop.used(), stop()) == (0.5, None)
    now.time += 18.75
    assert (stop.used(), stop()) == (1.0, "time limit")


def test_without_a_limit_nothing_is_ever_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Now(monkeypatch)
    stop = Stop()
    stop.begin(2)
    now.time += 1e9
    assert (stop.used(), stop()) == (0.0, None)


def test_a_phase_whose_part_of_the_time_is_over_is_validated_and_the_next_begins(tmp_path) -> None:
    answers = iter([None] * 3 + [PART_OVER] + [None] * 99)
    recorder = Recorder()
    result = run(tmp_path, Network(), stop=lambda: next(answers), observers=[recorder])
    assert [event.why for event in recorder.of(PhaseEnded)] == [PART_OVER, "epochs done"]
    assert [validated.step for validated in result.history] == [3, 9, 15]
    assert (result.steps, result.stopped) == (15, "time limit")


class Hurried:
    """So much of every phase's time is used from the beginning."""

    def __init__(self, share: float) -> None:
        self.share, self.begun = share, []

    def begin(self, rest: int) -> None:
        self.begun.append(rest)

    def used(self) -> float:
        return self.share


def test_rates_fall_as_far_as_the_time_is_used_where_that_is_further_than_the_steps(tmp_path) -> None:
    recorder, pace = Recorder(), Hurried(0.75)
    run(tmp_path, Network(), pace=pace, observers=[recorder])
    assert pace.begun == [2, 1]
    rates = [event.lr for event in recorder.of(StepDone) if event.phase == "head"]
    late = 0.02 * rate_factor("cosine", step=9, steps=12, warmup=0.1)
    assert rates[:9] == pytest.approx([late] * 9)
    assert rates[9:] == sorted(rates[9:], reverse=True)
