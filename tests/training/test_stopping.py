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
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.observers import MetricsFile
from headstart.training.stopping import Stop, stop_on_signals


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
