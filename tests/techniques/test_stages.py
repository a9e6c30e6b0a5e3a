"""How a budget is spread over phases."""

from __future__ import annotations

import pytest

from headstart.contracts import Budget
from headstart.techniques.stages import Stage, divide, phases_of, total_epochs


@pytest.mark.parametrize("shares", [(1,), (1, 2), (1, 1, 1, 1, 2), (9, 1)])
@pytest.mark.parametrize("total", [5, 6, 7, 30, 101])
def test_parts_sum_to_the_total_and_none_is_empty(total: int, shares: tuple[int, ...]) -> None:
    parts = divide(total, shares)
    assert sum(parts) == total
    assert min(parts) >= 1
    assert len(parts) == len(shares)


def test_a_total_that_divides_evenly_is_divided_by_the_shares() -> None:
    assert divide(32, (1, 2)) == (11, 21)
    assert divide(10, (1, 1)) == (5, 5)


@pytest.mark.parametrize("steps", [10, 20, 50, 100, 300])
def test_small_sets_get_hundreds_of_steps_and_large_ones_few_epochs(steps: int) -> None:
    assert 300 <= total_epochs(Budget(None, steps)) * steps <= 2000


def test_epochs_are_bounded_whatever_the_size() -> None:
    assert total_epochs(Budget(None, 1)) == 30
    assert total_epochs(Budget(None, 100_000)) == 3


def test_a_short_budget_skips_the_first_stages() -> None:
    stages = [Stage("first", {"head": 0.1}, 1), Stage("second", {"head": 0.1}, 1)]
    assert [phase.name for phase in phases_of(stages, Budget(1, 10))] == ["second"]


@pytest.mark.parametrize(("steps", "epochs"), [(5, 20), (63, 10), (106, 6), (10_000, 3)])
def test_a_head_that_begins_at_random_gets_more_epochs(steps: int, epochs: int) -> None:
    assert total_epochs(Budget(None, steps, modality="text", head="random")) == epochs
    assert total_epochs(Budget(None, steps, head="random")) == total_epochs(Budget(None, steps))


@pytest.mark.parametrize(("steps", "epochs"), [(5, 10), (43, 7), (100, 3), (200, 3), (10_000, 3)])
def test_texts_get_fewer_epochs(steps: int, epochs: int) -> None:
    assert total_epochs(Budget(None, steps, modality="text")) == epochs


def test_without_a_head_apart_a_stage_trains_the_rest_and_one_of_nothing_else_is_left_out() -> None:
    stages = [Stage("head", {"head": 0.1}, 1), Stage("both", {"head": 0.1, "block": 0.1}, 1)]
    (phase,) = phases_of(stages, Budget(4, 10, head="none"))
    assert (phase.name, phase.epochs, dict(phase.rates)) == ("both", 4, {"block": 0.1})
    assert phases_of(stages[:1], Budget(4, 10, head="none")) == ()
