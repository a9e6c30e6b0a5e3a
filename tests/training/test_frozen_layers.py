"""Promise 3: a frozen layer is frozen, buffers and dropout included."""

import pytest
import torch
from toy import BOUNDARIES, Network, Told, make_plan, run

from headstart.contracts import Phase
from headstart.errors import RequestError, RunError
from headstart.training.freezing import changing, digest, flat, freeze, set_training_mode, tensors
from headstart.training.optimiser import build_optimiser

STEM = ("backbone.stem", "backbone.stem_norm")
BLOCK = ("backbone.block", "backbone.block_norm")


def changed(before: dict[str, torch.Tensor], network: Network) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def copied(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
def test_training_changes_no_weight_and_no_buffer_of_a_frozen_layer(tmp_path, batch_norm):
    network = Network()
    before = copied(network)
    phases = (Phase("head", 1, {"head": 0.1}), Phase("block", 2, {"head": 0.1, "block": 0.1}))
    plan = make_plan(phases, batch_norm=batch_norm)
    run(tmp_path, network, phases=phases, plan=plan, validate=Told([0.1, 0.2, 0.3]))
    found = changed(before, network)
    assert not {name for name in found if name.startswith(STEM)}
    assert {"head.weight", "backbone.block.weight", "backbone.block_norm.weight"} <= found
    assert ("backbone.block_norm.running_mean" in found) == (batch_norm == "train")


def test_what_is_not_named_is_in_evaluation_mode_and_has_no_gradient():
    network = Network()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    groups = freeze(network, BOUNDARIES, {"head"}, "train")
    assert list(groups) == ["head"]
    assert set(flat(groups)) == {"head.weight", "head.bias"}
    assert {module for module in network.modules() if module.training} == {network.head}
    frozen = [value for name, value in network.named_parameters() if not name.startswith("head")]
    assert all(value.grad is None and not value.requires_grad for value in frozen)


def test_training_mode_set_again_reaches_only_what_trains():
    network = Network()
    network.train()
    set_training_mode(network, BOUNDARIES, {"head", "block"}, "frozen")
    assert network.backbone.drop.training
    assert network.backbone.block.training
    assert not network.backbone.block_norm.training
    assert not network.backbone.stem_norm.training


def test_the_optimiser_holds_no_state_of_what_is_frozen():
    network = Network()
    groups = freeze(network, BOUNDARIES, {"head", "block"}, "frozen")
    optimiser = build_optimiser(make_plan().optimiser, groups, {"head": 0.1, "block": 0.01})
    network(torch.ones(2, 1, 6, 6)).sum().backward()
    optimiser.step()
    assert set(optimiser.state) == set(flat(groups).values())


def test_every_part_has_its_rate_and_what_has_one_axis_is_not_decayed():
    network = Network()
    rates = {"head": 0.1, "block": 0.01}
    optimiser = build_optimiser(make_plan().optimiser, freeze(network, BOUNDARIES, rates, "frozen"), rates)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            in_head = any(parameter is value for value in network.head.parameters())
            assert group["lr"] == rates["head" if in_head else "block"]
            assert (group["weight_decay"] > 0) == (parameter.ndim > 1)


def test_a_digest_tells_every_bit_of_weights_and_buffers():
    network = Network()
    names = tensors(network).keys() - changing(network, BOUNDARIES, {"head"})
    assert {"backbone.stem_norm.running_mean", "backbone.stem_norm.num_batches_tracked"} <= names
    before = digest(network, names)
    with torch.no_grad():
        network.head.weight.add_(1)
    assert digest(network, names) == before
    network.backbone.stem_norm.num_batches_tracked += 1
    assert digest(network, names) != before


def test_a_layer_that_changes_although_it_is_frozen_is_found(tmp_path):
    network = Network()

    def disturb(module: torch.nn.Module, inputs: object, output: object) -> None:
        network.backbone.stem_norm.running_mean.add_(1)

    network.backbone.stem.register_forward_hook(disturb)
    with pytest.raises(RunError, match="Phase 'head': a frozen layer has changed"):
        run(tmp_path, network)


def test_a_rate_for_what_is_not_there_names_what_is():
    with pytest.raises(RequestError, match=r"'blok'.*Did you mean 'block'.*There are: stem, block, head"):
        freeze(Network(), BOUNDARIES, {"head", "blok"}, "frozen")
