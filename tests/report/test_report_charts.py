"""Curves and scales: what is drawn stays inside the drawing and says what the numbers say."""

import math
import re

import pytest

from headstart.evaluation.report.charts import Axis, Line, Scale, calibration_error, curves
from headstart.evaluation.report.content import Bin
from headstart.evaluation.report.history import history


def draw(points, scale):
    return curves([Line("a", "val", points)], scale, history(()), description="a curve")


def pixels(svg):
    numbers = re.search(r'points="([^"]*)"', svg)[1]
    return [tuple(map(float, pair.split(","))) for pair in numbers.split()]


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-3.0, 5.0], [0.97, 0.971], [1e-9, 2e-9], [1e6, 3e6]])
def test_every_range_of_values_is_drawn_inside_the_chart(values):
    svg = draw(list(enumerate(values)), Scale("{:g}".format))
    assert all(0 <= x <= 420 and 26 <= y <= 212 for x, y in pixels(svg))


def test_a_rate_that_ends_at_almost_zero_keeps_three_decades_in_sight():
    svg = draw([(1, 1e-3), (2, 1e-4), (3, 1e-12)], Scale("{:.0e}".format, log=True))
    assert re.findall(r">(1e-\d+)<", svg) == ["1e-06", "1e-05", "1e-04", "1e-03"]
    assert pixels(svg)[-1][1] == 212


def test_a_long_run_is_thinned_without_losing_its_shape():
    svg = draw([(step, math.cos(step / 20_000)) for step in range(100_000)], Scale("{:g}".format))
    down = [y for _, y in pixels(svg)]
    assert len(down) <= 300
    assert down[0] == min(down)


def test_ticks_are_round_and_within_the_axis():
    assert Axis(0, 1, 0, 100).ticks(4) == [0, 0.25, 0.5, 0.75, 1]
    assert Axis(0, 208, 0, 100).ticks(4) == [0, 100, 200]


def test_calibration_error_weighs_bins_by_their_count():
    bins = (Bin(0.5, 0.6, 0.55, 0.45, 30), Bin(0.9, 1.0, 0.95, 0.95, 10), Bin(0, 0.1, 0.0, 0.0, 0))
    assert calibration_error(bins) == pytest.approx(0.075)
    assert calibration_error(()) == 0


def test_history_follows_the_events(make_content):
    trained = history(make_content().events)
    assert [(stretch.phase, stretch.start, stretch.end) for stretch in trained.stretches] == [
        ("head", 0, 80),
        ("last block", 80, 208),
    ]
    assert len(trained.loss) == 208
    assert len(trained.val_metric) == 13
    assert trained.best_step == 160
    assert trained.notices == ((208, "Validation loss rises again."),)


def test_a_phase_begun_again_after_a_resume_is_one_phase():
    begun = {"event": "PhaseStarted", "phase": "head"}
    events = [begun | {"step": 0}, begun | {"step": 40}, {"event": "PhaseEnded", "step": 90, "phase": "head"}]
    trained = history([*events[:2], events[2] | {"why": "early stopping"}])
    assert [(stretch.start, stretch.end, stretch.why) for stretch in trained.stretches] == [
        (0, 90, "early stopping")
    ]


def test_values_that_are_not_finite_are_left_out_of_a_curve():
    event = {"event": "StepDone", "phase": "head", "lr": 1e-3}
    trained = history([event | {"step": 1, "loss": None}, event | {"step": 2, "loss": 0.5}])
    assert trained.loss == ((2, 0.5),)
