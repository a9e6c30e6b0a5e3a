"""What every technique of the catalogue promises, whatever it is: a new line is tested at once."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from headstart.catalog import TECHNIQUES, resolve
from headstart.config.load import bind_options
from headstart.contracts import Budget, Technique

NETWORKS = [tuple(f"stage.{index}" for index in range(count)) for count in (1, 2, 18, 100)]
EPOCHS = [None, 1, 2, 3, 50]
RATES = [None, 1e-6, 0.99]
BUDGETS = [
    Budget(epochs, steps, lr=lr, patience=4, l2_sp=0.01)
    for epochs, steps, lr in product(EPOCHS, [1, 10, 10_000], RATES)
]
CASES = list(product(BUDGETS, NETWORKS))


@pytest.fixture(params=TECHNIQUES)
def technique(request: Any) -> Technique:
    found = resolve("technique", request.param, TECHNIQUES)
    built: Technique = found(bind_options(found, {}))
    assert built.name == request.param
    return built


def test_phases_share_the_epochs_of_the_budget(technique: Technique) -> None:
    for budget, boundaries in CASES:
        epochs = [phase.epochs for phase in technique.phases(budget, boundaries)]
        assert all(count >= 1 for count in epochs)
        if epochs and budget.epochs is not None:
            assert sum(epochs) == budget.epochs


def test_names_of_phases_are_unique(technique: Technique) -> None:
    for budget, boundaries in CASES:
        names = [phase.name for phase in technique.phases(budget, boundaries)]
        assert len(set(names)) == len(names)


def test_the_head_is_always_trained_but_by_pairs_and_nothing_else_than_what_there_is(
    technique: Technique,
) -> None:
    for budget, boundaries in CASES:
        phases = technique.phases(budget, boundaries)
        for phase in phases:
            assert ("head" in phase.rates) != phase.contrast
            assert phase.rates.keys() <= {"head", *boundaries}
        assert not phases or not phases[-1].contrast


def test_who_learns_by_pairs_says_so(technique: Technique) -> None:
    phases = technique.phases(BUDGETS[-1], NETWORKS[-1])
    assert technique.pairs == any(phase.contrast for phase in phases)


def test_rates_are_above_zero_and_below_one(technique: Technique) -> None:
    for budget, boundaries in CASES:
        for phase in technique.phases(budget, boundaries):
            assert all(0 < rate < 1 for rate in phase.rates.values())


def test_no_boundary_learns_faster_than_a_later_one(technique: Technique) -> None:
    for budget, boundaries in CASES:
        for phase in technique.phases(budget, boundaries):
            rates = [phase.rates[name] for name in (*boundaries, "head") if name in phase.rates]
            assert rates == sorted(rates)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_what_the_budget_freezes_is_in_no_phase(technique: Technique, share: float) -> None:
    for boundaries in NETWORKS:
        for frozen in (boundaries[: round(share * len(boundaries))], boundaries[1::2]):
            for epochs in EPOCHS:
                for phase in technique.phases(Budget(epochs, 30, frozen=frozen), boundaries):
                    assert not set(frozen) & phase.rates.keys()


def test_patience_and_pull_of_the_budget_reach_every_phase(technique: Technique) -> None:
    for budget, boundaries in CASES:
        for phase in technique.phases(budget, boundaries):
            assert (phase.patience, phase.l2_sp) == (budget.patience, budget.l2_sp)


def test_the_same_budget_gives_the_same_phases(technique: Technique) -> None:
    for budget, boundaries in CASES:
        assert technique.phases(budget, boundaries) == technique.phases(budget, boundaries)
