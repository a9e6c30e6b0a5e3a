import copy
import sys

import pytest
import torch
from torch import nn

from headstart.contracts import HEAD, Adapters, Boundary
from headstart.errors import MissingExtra, RequestError
from headstart.training.adapters import attach, merge
from headstart.training.freezing import flat, freeze

pytest.importorskip("peft")
ADAPTERS = Adapters(rank=2, alpha=4, dropout=0.1)
BOUNDARIES = (
    Boundary("stem", ("stem",), ("stem.weight", "stem.bias")),
    Boundary(
        "block",
        ("block", "block.0", "block.1"),
        ("block.0.weight", "block.0.bias", "block.1.weight", "block.1.bias"),
    ),
)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential()
        self.backbone.stem = nn.Conv2d(3, 4, 3)
        self.backbone.block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
        self.backbone.flatten = nn.Flatten()
        self.head = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x))


@pytest.fixture
def network() -> Net:
    torch.manual_seed(0)
    return Net()


INPUTS = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def trained(network: Net, boundaries: tuple[Boundary, ...], parts: tuple[str, ...]) -> None:
    parameters = list(flat(freeze(network, boundaries, parts, "frozen")).values())
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(3):
        network(INPUTS).square().sum().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()


def test_at_first_adapters_add_nothing(network: Net) -> None:
    before = network.eval()(INPUTS)
    attach(network, BOUNDARIES, {"block"}, ADAPTERS, seed=0)
    assert torch.equal(network.eval()(INPUTS), before)


def test_a_boundary_with_adapters_trains_these_alone(network: Net) -> None:
    pretrained = copy.deepcopy(network.backbone)
    boundaries = attach(network, BOUNDARIES, {"block"}, ADAPTERS, seed=0)
    assert boundaries[0] == BOUNDARIES[0]
    assert boundaries[1].parameters and all("lora_" in name for name in boundaries[1].parameters)
    trained(network, boundaries, ("block", HEAD))
    assert torch.equal(network.backbone.block[0].base_layer.weight, pretrained.block[0].weight)
    assert torch.equal(network.backbone.stem.weight, pretrained.stem.weight)


def test_merging_gives_the_same_answers_in_the_network_of_before(network: Net) -> None:
    names = list(network.state_dict())
    boundaries = attach(network, BOUNDARIES, {"block"}, ADAPTERS, seed=0)
    trained(network, boundaries, ("block", HEAD))
    before, weight = network.eval()(INPUTS), network.backbone.block[0].base_layer.weight.clone()
    merge(network)
    assert list(network.state_dict()) == names
    assert not torch.equal(network.backbone.block[0].weight, weight)
    assert torch.allclose(network.eval()(INPUTS), before, atol=1e-5)


def test_the_seed_alone_decides_the_adapters(network: Net) -> None:
    others = [copy.deepcopy(network) for _ in range(3)]
    state = torch.random.get_rng_state()
    for other, seed in zip(others, (0, 0, 1), strict=True):
        attach(other, BOUNDARIES, {"block"}, ADAPTERS, seed=seed)
    assert torch.equal(torch.random.get_rng_state(), state)
    same, again, different = (
        [value for name, value in other.named_parameters() if "lora_A" in name] for other in others
    )
    assert all(torch.equal(one, two) for one, two in zip(same, again, strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(same, different, strict=True))


def test_a_network_without_matrices_is_refused() -> None:
    network = Net()
    network.backbone.block = nn.Sequential(nn.BatchNorm2d(4), nn.BatchNorm2d(4))
    with pytest.raises(RequestError, match="takes adapters"):
        attach(network, BOUNDARIES, {"block"}, ADAPTERS, seed=0)


def test_without_peft_the_install_line_is_named(network: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"headstart\[peft\]"):
        attach(network, BOUNDARIES, {"block"}, ADAPTERS, seed=0)
