"""What each technique promises beyond what all of them do."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from headstart.contracts import Adapters, Budget, Technique
from headstart.techniques.auto import Auto
from headstart.techniques.contrastive import Contrastive
from headstart.techniques.full import Full
from headstart.techniques.gradual_unfreezing import GradualUnfreezing
from headstart.techniques.linear_probe import LinearProbe
from headstart.techniques.lora import LoRA
from headstart.techniques.two_phase import TwoPhase

BOUNDARIES = tuple(f"block{index}" for index in range(12))
BUDGET = Budget(epochs=None, steps_per_epoch=30)
ALL: list[Technique] = [
    Auto(Auto.Options()),
    LinearProbe(LinearProbe.Options()),
    TwoPhase(TwoPhase.Options()),
    GradualUnfreezing(GradualUnfreezing.Options()),
    Full(Full.Options()),
    LoRA(LoRA.Options()),
    Contrastive(Contrastive.Options()),
]


def test_the_probe_trains_nothing() -> None:
    assert LinearProbe(LinearProbe.Options()).phases(BUDGET, BOUNDARIES) == ()


def test_two_phases_are_the_head_and_then_the_last_boundaries() -> None:
    head, fine_tune = TwoPhase(TwoPhase.Options(last=2)).phases(BUDGET, BOUNDARIES)
    assert set(head.rates) == {"head"}
    assert set(fine_tune.rates) == {"block10", "block11", "head"}
    assert head.rates["head"] > fine_tune.rates["head"]


def test_auto_trains_the_last_third_of_an_image_network_and_climbs_to_all_of_it() -> None:
    last, whole = Auto(Auto.Options()).phases(BUDGET, BOUNDARIES)
    assert (last.climbs, whole.climbs) == (False, True)
    assert set(last.rates) == {*BOUNDARIES[-4:], "head"}
    assert set(whole.rates) == {*BOUNDARIES, "head"}
    deeper = [whole.rates[name] for name in (*BOUNDARIES, "head")]
    assert deeper == sorted(deeper)


def test_auto_has_one_rung_where_the_rest_is_to_stay_frozen() -> None:
    (only,) = Auto(Auto.Options()).phases(replace(BUDGET, frozen=BOUNDARIES[:-2]), BOUNDARIES)
    assert set(only.rates) == {*BOUNDARIES[-2:], "head"}


def test_gradual_unfreezing_opens_more_in_every_phase_and_all_at_last() -> None:
    phases = GradualUnfreezing(GradualUnfreezing.Options(groups=3)).phases(BUDGET, BOUNDARIES)
    opened = [set(phase.rates) for phase in phases]
    assert all(before < after for before, after in pairwise(opened))
    assert opened[0] == {"head"}
    assert opened[-1] == {"head", *BOUNDARIES}


def test_a_group_learns_slower_than_the_one_above_by_the_factor() -> None:
    last = GradualUnfreezing(GradualUnfreezing.Options(groups=12)).phases(BUDGET, BOUNDARIES)[-1]
    rates = [last.rates[name] for name in (*BOUNDARIES, "head")]
    assert [above / below for below, above in pairwise(rates)] == pytest.approx([2.6] * 12)


def test_full_decays_as_much_over_few_boundaries_as_over_many() -> None:
    few, many = BOUNDARIES[:6], tuple(f"layer{index}" for index in range(60))
    technique = Full(Full.Options())
    (with_few,), (with_many,) = technique.phases(BUDGET, few), technique.phases(BUDGET, many)
    assert with_few.rates["block0"] == pytest.approx(with_many.rates["layer9"], rel=1e-6)
    assert with_few.rates["block5"] == with_few.rates["head"]


@pytest.mark.parametrize("technique", ALL[2:-1], ids=lambda technique: str(technique.name))
def test_the_users_rate_is_the_heads_in_the_last_phase(technique: Technique) -> None:
    *_, last = technique.phases(Budget(None, 30, lr=0.02), BOUNDARIES)
    assert last.rates["head"] == max(last.rates.values()) == 0.02


@pytest.mark.parametrize("technique", ALL[2:], ids=lambda technique: str(technique.name))
def test_with_everything_frozen_the_head_alone_is_trained(technique: Technique) -> None:
    for phase in technique.phases(Budget(None, 30, frozen=BOUNDARIES), BOUNDARIES):
        assert set(phase.rates) == {"head"}


def test_texts_are_trained_whole_by_default_and_the_deeper_the_slower() -> None:
    text = replace(BUDGET, modality="text")
    (phase,) = Full(Full.Options()).phases(text, BOUNDARIES)
    rates = [phase.rates[name] for name in (*BOUNDARIES, "head")]
    assert rates == sorted(rates)
    (without_embeddings,) = Auto(Auto.Options()).phases(text, BOUNDARIES)
    assert without_embeddings.rates.items() == phase.rates.items() - {(BOUNDARIES[0], rates[0])}
    (random_head,) = Auto(Auto.Options()).phases(replace(text, head="random"), BOUNDARIES)
    assert random_head.rates == phase.rates
    (images,) = Full(Full.Options()).phases(BUDGET, BOUNDARIES)
    assert images.rates[BOUNDARIES[0]] < rates[0] < rates[-1] == images.rates["head"]


def test_lora_trains_adapters_of_the_last_boundaries() -> None:
    (phase,) = LoRA(LoRA.Options(rank=4, alpha=8, last=3)).phases(BUDGET, BOUNDARIES)
    assert set(phase.rates) == {*BOUNDARIES[-3:], "head"}
    assert phase.adapters == Adapters(rank=4, alpha=8, dropout=0.05)


def test_contrastive_trains_all_boundaries_by_pairs_and_then_the_head_alone() -> None:
    pull, head = Contrastive(Contrastive.Options(steps=90)).phases(BUDGET, BOUNDARIES)
    assert pull.contrast and set(pull.rates) == set(BOUNDARIES)
    assert not head.contrast and set(head.rates) == {"head"}
    assert pull.epochs == head.epochs == 3
    (pull, _) = Contrastive(Contrastive.Options()).phases(replace(BUDGET, lr=0.002), BOUNDARIES)
    assert set(pull.rates.values()) == {0.002}


def test_contrastive_with_all_frozen_is_the_head_alone() -> None:
    (head,) = Contrastive(Contrastive.Options()).phases(replace(BUDGET, frozen=BOUNDARIES), BOUNDARIES)
    assert set(head.rates) == {"head"}


def test_where_the_checkpoint_has_the_head_nothing_is_trained_apart() -> None:
    budget = replace(BUDGET, head="none")
    for technique in (Full(Full.Options()), TwoPhase(TwoPhase.Options()), LoRA(LoRA.Options())):
        phases = technique.phases(budget, BOUNDARIES)
        assert phases and all(phase.rates and "head" not in phase.rates for phase in phases)
