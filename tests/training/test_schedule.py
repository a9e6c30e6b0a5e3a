"""Laws of the learning rate."""

import pytest

from headstart.training.schedule import plateau_factor, rate_factor

SCHEDULES = ("cosine", "linear", "constant", "plateau")


def factors(schedule: str, steps: int, warmup: float) -> list[float]:
    return [rate_factor(schedule, step=step, steps=steps, warmup=warmup) for step in range(steps)]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 997])
def test_a_rate_rises_then_never_rises_again_and_is_never_zero(schedule, warmup, steps):
    found = factors(schedule, steps, warmup)
    peak = found.index(max(found))
    assert all(0 < factor <= 1 for factor in found)
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)
    assert peak == min(round(warmup * steps), steps - 1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_without_warmup_it_begins_at_its_peak(schedule):
    assert factors(schedule, 10, 0.0)[0] == 1


def test_cosine_and_linear_are_at_half_in_the_middle_and_near_zero_at_the_end():
    for schedule in ("cosine", "linear"):
        found = factors(schedule, 1000, 0.0)
        assert found[500] == pytest.approx(0.5)
        assert found[-1] < 0.01


def test_a_plateau_halves_at_every_second_bad_validation_in_a_row():
    factor, found = 1.0, []
    for bad in (1, 2, 0, 1, 0, 1, 2, 3, 4):
        factor = plateau_factor(factor, bad)
        found.append(factor)
    assert found == [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
