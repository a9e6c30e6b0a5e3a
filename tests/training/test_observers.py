"""Who watches: the file of events, lines, the bar, TensorBoard, and what curves say."""

import io
import json
import math
import sys

import pytest
from toy import Network, make_phases, run

from headstart.contracts import Notice, PhaseEnded, PhaseStarted, Progress, StepDone, Validated
from headstart.errors import MissingExtra
from headstart.training.diagnosis import diagnose
from headstart.training.observers import Lines, MetricsFile, describe
from headstart.training.progress import ProgressBar, watch_on
from headstart.training.tensorboard import TensorBoard


def step_done(step: int, loss: float = 0.5) -> StepDone:
    return StepDone(step, "all", 1, loss, 0.01, step, 10, 4)


def validated(epoch: int, train_loss: float, loss: float, *, best: bool = False) -> Validated:
    return Validated(epoch * 10, "all", epoch, train_loss, 0.5, loss, 0.5, best)


def events_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_event_is_a_line_with_its_name_and_fields(tmp_path):
    file = MetricsFile(tmp_path / "metrics.jsonl")
    file.notify(step_done(1))
    file.notify(step_done(2, loss=float("nan")))
    file.close()
    first, second = events_of(tmp_path / "metrics.jsonl")
    assert first["event"] == "StepDone"
    assert (first["step"], first["loss"]) == (1, 0.5)
    assert second["loss"] is None


def test_a_resumed_run_repeats_no_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for event in (
        PhaseStarted(0, "head", 1, 2, 9),
        step_done(1),
        step_done(2),
        validated(1, 1.0, 1.0),
        PhaseEnded(2, "head", "epochs done", 2, 0.5),
        PhaseStarted(2, "all", 1, 2, 9),
        step_done(3),
    ):
        MetricsFile(path).notify(event)
    with path.open("a") as file:
        file.write('{"event": "StepDone", "st')
    MetricsFile(path).notify(Notice(10, "resumed", "Resumed from step 10."))
    MetricsFile(path).notify(Notice(2, "resumed", "Resumed from step 2."))
    names = [(event["event"], event["step"]) for event in events_of(path)]
    assert names == [("PhaseStarted", 0), ("StepDone", 1), ("StepDone", 2), ("Notice", 2)]


def test_a_run_begun_anew_leaves_no_line_of_the_old_one(tmp_path):
    path = tmp_path / "metrics.jsonl"
    run(tmp_path / "one", Network(), observers=[MetricsFile(path)])
    before = path.read_text()
    run(tmp_path / "two", Network(), observers=[MetricsFile(path)])
    assert path.read_text() == before


def test_a_file_that_cannot_be_written_does_not_end_the_run(tmp_path):
    result = run(tmp_path, Network(), observers=[MetricsFile(tmp_path / "missing" / "metrics.jsonl")])
    assert result.stopped is None


def test_lines_say_what_a_person_wants_to_know(tmp_path):
    stream = io.StringIO()
    watcher = watch_on(stream, "accuracy")
    assert isinstance(watcher, Lines)
    for done in range(3):
        watcher.notify(Progress(0, "decoding images", done, 3))
    run(tmp_path, Network(), phases=make_phases(2)[:1], observers=[watcher])
    lines = stream.getvalue().splitlines()
    assert lines[0] == "decoding images (3)"
    assert lines[1].startswith("head: 2 epochs, 12 steps, 21 weights train")
    assert lines[2].startswith("epoch 1  train loss ")
    assert "accuracy 0." in lines[2]
    assert lines[-1].startswith("head: epochs done, best accuracy 0.")


def test_before_the_first_step_there_is_no_training_loss_to_tell():
    first = validated(1, math.nan, 0.5, best=True)
    assert describe(first, "accuracy") == "epoch 1  loss 0.5000  accuracy 0.5000  best"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_with_loss_metric_and_speed(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    watcher = watch_on(stream, "accuracy")
    assert isinstance(watcher, ProgressBar)
    watcher.notify(Progress(0, "decoding images", 1, 3))
    watcher.notify(Notice(0, "note", "a [bold] word"))
    run(tmp_path, Network(), observers=[watcher])
    watcher.close()
    written = stream.getvalue()
    assert "decoding images" in written
    assert "a [bold] word" in written
    assert "accuracy" in written


def test_tensorboard_gets_the_curves(tmp_path):
    pytest.importorskip("tensorboard")
    board = TensorBoard(tmp_path / "board")
    run(tmp_path, Network(), observers=[board])
    board.close()
    assert list((tmp_path / "board").glob("events.out.tfevents.*"))


def test_without_tensorboard_the_line_that_installs_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headstart\[tensorboard\]'"):
        TensorBoard(tmp_path)


def notices(history: list[Validated]) -> list[Notice]:
    found = [diagnose(history[: count + 1]) for count in range(len(history))]
    return [notice for notice in found if notice]


def test_overfitting_is_said_once_with_its_epoch_and_losses():
    history = [validated(epoch, 1 / epoch, 1.31 - epoch / 5, best=True) for epoch in range(1, 6)]
    history += [validated(epoch, 1 / epoch, 0.31 + (epoch - 5) * 0.03) for epoch in range(6, 12)]
    (notice,) = notices(history)
    assert notice.kind == "overfitting"
    assert notice.text == (
        "Overfitting since epoch 6: training loss falls, validation loss rises (0.31 -> 0.4). "
        "The best weights, of epoch 5, are kept."
    )


def test_a_plateau_is_said_once_with_its_epoch():
    history = [validated(epoch, 1 / epoch, 1 / epoch, best=True) for epoch in range(1, 4)]
    history += [validated(epoch, 0.333, 0.333) for epoch in range(4, 20)]
    (notice,) = notices(history)
    assert notice.kind == "plateau"
    assert notice.text.startswith("Plateau since epoch 3: validation loss stays at 0.333.")


def test_a_healthy_run_is_given_no_diagnosis():
    assert notices([validated(epoch, 1 / epoch, 1.1 / epoch, best=True) for epoch in range(1, 30)]) == []
    assert diagnose([]) is None
