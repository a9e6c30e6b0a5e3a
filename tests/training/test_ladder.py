"""A phase that climbs is begun only where the one before it brought something."""

from dataclasses import replace
from pathlib import Path

import pytest
from toy import Network, Recorder, Told, make_phases, run

from headstart.contracts import Notice, PhaseStarted
from headstart.training.feed import Validation
from headstart.training.stopping import SIGNALS

HEAD, BLOCK = make_phases(epochs=2)
LADDER = (HEAD, replace(BLOCK, climbs=True), replace(BLOCK, name="deeper", climbs=True))
START = Validation(metric=0.6, loss=0.9)


def climbed(folder: Path, metrics: list[float], start: Validation | None = START) -> list[str]:
    recorder = Recorder()
    run(folder, Network(), phases=LADDER, validate=Told(metrics), start=start, observers=[recorder])
    begun = [event.phase for event in recorder.of(PhaseStarted)]
    left_out = [event for event in recorder.of(Notice) if event.kind == "left out"]
    assert len(begun) + len(left_out) == len(LADDER)
    return begun


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([0.5, 0.59], ["head"]),
        ([0.7, 0.65, 0.69, 0.7], ["head", "block"]),
        ([0.7, 0.65, 0.69, 0.8, 0.7, 0.6], ["head", "block", "deeper"]),
        ([0.6, 0.6], ["head"]),
    ],
)
def test_a_rung_is_left_out_with_all_above_it_where_the_last_brought_nothing(
    tmp_path: Path, metrics: list[float], expected: list[str]
) -> None:
    assert climbed(tmp_path, metrics) == expected


def test_where_nothing_is_known_of_the_beginning_any_weights_are_better(tmp_path: Path) -> None:
    assert climbed(tmp_path, [0.1, 0.05, 0.0, 0.0], start=None) == ["head", "block"]


def test_a_rung_that_was_begun_is_gone_on_with_after_a_stop(tmp_path: Path) -> None:
    metrics = iter([0.7, 0.65, 0.6, 0.55])
    asked = iter([None] * 15 + [next(iter(SIGNALS.values()))] * 99)
    validate = Told([*metrics])
    run(tmp_path, Network(), phases=LADDER, validate=validate, start=START, stop=lambda: next(asked))
    recorder = Recorder()
    result = run(
        tmp_path,
        Network(),
        phases=LADDER,
        validate=Told([0.5, 0.5, 0.5]),
        start=START,
        observers=[recorder],
    )
    assert [validated.phase for validated in result.history][2:] == ["block"] * 2
    assert [event.phase for event in recorder.of(PhaseStarted)] == []
