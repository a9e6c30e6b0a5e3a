"""What a plan will take, from what its steps take."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from test_make_plan import planned

from headstart.contracts import Phase
from headstart.planning.facts import PhaseFacts
from headstart.planning.forecast import Forecast, forecast, resident

HEAD = Phase("head", 10, {"head": 1e-3}, patience=3)
DEEP = Phase("deep", 6, {"head": 1e-3, "block": 1e-4}, patience=3, climbs=True)


def foreseen(
    phases: Sequence[Phase],
    facts: Sequence[PhaseFacts],
    *,
    folds: int = 1,
    views: int = 1,
    limit: float | None = None,
) -> Forecast:
    plan = replace(planned(), phases=tuple(phases), folds=folds, views=views)
    return forecast(plan, facts, train=90, val=30, spent=5.0, closing=2.0, ending=1.0, memory=7, limit=limit)


def test_phases_without_patience_take_as_long_as_their_epochs() -> None:
    phase = replace(HEAD, patience=0)
    found = foreseen([phase], [PhaseFacts(0.01, 0.0)])
    assert found.seconds == pytest.approx(5 + 10 * (90 + 30 / 3) * 0.01 + 3)
    assert found.shortest == found.longest == found.seconds
    assert found.memory == 7


def test_patience_and_rungs_that_may_be_left_out_make_it_a_span() -> None:
    found = foreseen([HEAD, DEEP], [PhaseFacts(0.01, 0.0), PhaseFacts(0.1, 0.0)])
    assert found.shortest == pytest.approx(8 + 2 * 1.0)
    assert found.seconds == pytest.approx(8 + 4 * 1.0 + 4 * 10)
    assert found.longest == pytest.approx(8 + 10 * 1.0 + 6 * 10)


def test_by_pairs_no_phase_ends_early() -> None:
    found = foreseen([replace(HEAD, contrast=True)], [PhaseFacts(0.01, 0.0)])
    assert found.shortest == found.longest


def test_folds_repeat_the_steps_and_share_what_is_computed_once() -> None:
    phase = replace(HEAD, patience=0)
    found = foreseen([phase], [PhaseFacts(0.01, 0.2)], folds=5, views=4)
    assert found.seconds == pytest.approx(8 + 5 * 10 + (4 * 90 + 30) * 0.2)


def test_a_time_limit_is_the_most() -> None:
    found = foreseen([HEAD], [PhaseFacts(1.0, 0.0)], limit=60)
    assert (found.seconds, found.longest) == (60, 60)
    assert (found.least, found.too_long) == (7, False)
    assert math.isfinite(found.shortest)


def test_a_time_limit_that_cannot_be_kept_promises_nothing() -> None:
    found = foreseen([HEAD], [PhaseFacts(1.0, 0.0)], limit=4)
    assert (found.seconds, found.shortest, found.longest, found.least) == (7, 7, 7, 7)
    assert found.too_long
    assert not foreseen([HEAD], [PhaseFacts(1.0, 0.0)]).too_long


def test_memory_is_that_of_a_step_with_gaps_and_of_all_that_is_kept_of_weights() -> None:
    sizes = {"before": 1000, "peak": 3000, "trained": 10, "whole": 100}
    assert resident(**sizes, folds=False) == 3000 + 500 + 3 * 10 + 100
    assert resident(**sizes, folds=True) == resident(**sizes, folds=False) + 4 * 100
    assert resident(before=7, peak=7, trained=0, whole=0, folds=False) == 7
