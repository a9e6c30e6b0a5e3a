"""Trying ways to compute a step: it leaves no trace, and tries only what gives the same result."""

import math
from dataclasses import replace

import pytest
import torch
from toy import BOUNDARIES, Data, Network, ToyTask, make_plan

from headstart.contracts import Objective, Phase
from headstart.planning.facts import StepFacts
from headstart.planning.speed import WAYS
from headstart.training.measure import measure_steps

ALL = Phase("all", 2, {"head": 0.05, "block": 0.02, "stem": 0.02})
PLAN = make_plan(batch_size=8, micro_batch=8, objective=Objective(mixup=0.5))


def measured(network: Network | None = None, **given) -> tuple[StepFacts, ...]:
    usual = {"task": ToyTask(), "plan": PLAN, "batch": Data().batch(range(8)), "batches": math.inf}
    return measure_steps(network or Network(), ALL, BOUNDARIES, **{**usual, **given})


def traces(network: Network) -> list[object]:
    """All that measuring could leave behind, beside the values themselves."""
    tensors = [*network.parameters(), *network.buffers()]
    return [
        [module.training for module in network.modules()],
        [(id(value), value.stride(), value.requires_grad, value.grad) for value in tensors],
        torch.random.get_rng_state().tolist(),
    ]


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
def test_measuring_leaves_no_trace(batch_norm):
    network = Network()
    before, values = traces(network), [value.clone() for value in network.state_dict().values()]
    measured(network, plan=replace(PLAN, batch_norm=batch_norm))
    assert traces(network) == before
    assert all(map(torch.equal, network.state_dict().values(), values))


def test_the_plans_own_way_is_tried_first_and_then_one_change_at_a_time():
    own, *others = measured()
    assert (own.precision, own.channels_last, own.micro_batch) == ("fp32", False, 8)
    assert all(way.seconds > 0 for way in (own, *others))
    before = [own]
    for way, name in zip(others, WAYS, strict=True):
        assert any(changes(earlier, way) == {name} for earlier in before)
        before.append(way)


def changes(one: StepFacts, other: StepFacts) -> set[str]:
    return {name for name in WAYS if getattr(one, name) != getattr(other, name)}


def test_what_was_asked_for_is_not_varied():
    assert {way.precision for way in measured(vary=("channels_last", "micro_batch"))} == {"fp32"}
    assert len(measured(vary=())) == 1


@pytest.mark.parametrize("given", [{"seconds": 0}, {"batches": 10}])
def test_for_a_short_training_no_other_way_is_tried(given):
    assert len(measured(**given)) == 1


def test_a_batch_over_which_a_layer_normalises_is_not_cut():
    assert {way.micro_batch for way in measured(plan=replace(PLAN, batch_norm="train"))} == {8}


def test_inputs_that_are_no_images_have_one_layout():
    network = Network()
    network.backbone = torch.nn.Linear(4, 6)
    batch = Data().batch(range(8))
    rows = replace(batch, inputs={"x": torch.randn(8, 4)})
    head = Phase("head", 1, {"head": 0.1})
    tried = measure_steps(network, head, (), task=ToyTask(), plan=PLAN, batch=rows, batches=math.inf)
    assert {way.channels_last for way in tried} == {False}
