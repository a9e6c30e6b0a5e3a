from dataclasses import dataclass

import pytest
import timm
import torch
from torch import nn

from headstart.contracts import Boundary
from headstart.sources.boundaries import find_boundaries

# Architecture, a size it runs at quickly, how many boundaries, and some of them in order.
NETWORKS = [
    ("resnet18", {}, 64, 9, ["conv1", "layer1.0", "layer1.1", "layer2.0", "layer4.1"]),
    ("vgg11", {}, 32, 9, ["features.0", "features.3", "features.18", "pre_logits"]),
    ("mobilenetv2_100", {}, 64, 19, ["conv_stem", "blocks.0.0", "blocks.6.0", "conv_head"]),
    ("efficientnet_b0", {}, 64, 18, ["conv_stem", "blocks.0.0", "blocks.2.1", "conv_head"]),
    ("vit_tiny_patch16_224", {"img_size": 64}, 64, 13, ["patch_embed", "blocks.0", "blocks.3", "blocks.11"]),
    (
        "convnext_atto",
        {},
        64,
        16,
        ["stem.0", "stages.0.blocks.0", "stages.1.downsample.1", "stages.1.blocks.0"],
    ),
    ("test_maxvit", {}, 160, 13, ["stem", "stages.0.blocks.0.conv", "stages.3.blocks.0.attn_grid"]),
    ("regnetx_002", {}, 64, 14, ["stem", "s1.b1", "s3.b2", "s4.b7"]),
    ("densenet121", {}, 64, 8, ["features.conv0", "features.denseblock1", "features.denseblock4"]),
    ("mobilenetv4_conv_small", {}, 64, 19, ["conv_stem", "blocks.1.0", "blocks.3.0", "conv_head"]),
]


@dataclass
class Case:
    network: nn.Module
    sample: torch.Tensor
    buffers_before: dict[str, torch.Tensor]
    boundaries: tuple[Boundary, ...]
    count: int
    some: list[str]


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda network: network[0])
def case(request):
    architecture, arguments, size, count, some = request.param
    network = timm.create_model(architecture, num_classes=0, **arguments).train()
    buffers = {name: tensor.clone() for name, tensor in network.named_buffers()}
    sample = torch.zeros(1, 3, size, size)
    return Case(network, sample, buffers, find_boundaries(network, {"x": sample}), count, some)


def test_looking_changes_no_buffer_and_no_flag_and_leaves_no_hook(case):
    buffers = case.network.named_buffers()
    assert all(torch.equal(case.buffers_before[name], tensor) for name, tensor in buffers)
    assert all(part.training for part in case.network.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in case.network.modules())


def test_every_parameter_belongs_to_exactly_one_boundary(case):
    owned = [name for boundary in case.boundaries for name in boundary.parameters]
    assert sorted(owned) == sorted(name for name, _ in case.network.named_parameters())


def test_no_module_belongs_to_two_boundaries_and_every_parameter_of_one_is_its_own(case):
    modules = [name for boundary in case.boundaries for name in boundary.modules]
    assert len(modules) == len(set(modules))
    for boundary in case.boundaries[1:]:
        assert boundary.name == boundary.modules[0]
        assert {name.rpartition(".")[0] for name in boundary.parameters} <= set(boundary.modules)


def test_boundaries_are_blocks(case):
    names = [boundary.name for boundary in case.boundaries]
    assert len(names) == case.count
    assert [name for name in names if name in case.some] == case.some


def test_boundaries_stand_in_order_of_execution(case):
    ran = []
    names = [boundary.name for boundary in case.boundaries]
    for name in names:
        part = case.network.get_submodule(name)
        part.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
    with torch.no_grad():
        case.network.eval()(case.sample)
    assert ran == names


def test_a_class_token_belongs_to_the_first_boundary_and_the_last_norm_to_the_last_block():
    network = timm.create_model("test_vit", num_classes=0)
    first, *_, last = find_boundaries(network, {"x": torch.zeros(1, 3, 160, 160)})
    assert {"cls_token", "pos_embed"} <= set(first.parameters)
    assert {"norm.weight", "norm.bias"} <= set(last.parameters)


def test_normalisation_belongs_to_what_came_before_it():
    network = timm.create_model("test_efficientnet", num_classes=0)
    first, *_ = find_boundaries(network, {"x": torch.zeros(1, 3, 64, 64)})
    assert first.modules[:2] == ("conv_stem", "bn1")
    assert first.parameters == ("conv_stem.weight", "bn1.weight", "bn1.bias")


class Reordered(nn.Module):
    """Registers its layers last first, runs one of them twice, and one never."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 4)
        self.unused = nn.Linear(4, 4)
        self.scale = nn.LayerNorm(4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.scale(x)
        for block in [*self.blocks, self.blocks[0]]:
            x = block(x)
        return self.last(x)


def test_a_module_counts_where_it_first_runs_and_one_that_never_runs_is_the_firsts():
    boundaries = find_boundaries(Reordered(), {"x": torch.zeros(1, 4)})
    assert [boundary.name for boundary in boundaries] == ["blocks.0", "blocks.1", "last"]
    assert boundaries[0].modules == ("blocks.0", "scale")
    assert {"unused.weight", "scale.weight", "blocks.0.weight"} <= set(boundaries[0].parameters)


class Skipping(nn.Module):
    """Looks like a chain of its layers, but adds its input in place."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.Linear(4, 4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)
        y += x
        return y


def test_what_a_shortcut_passes_by_is_one_unit():
    boundaries = find_boundaries(nn.Sequential(nn.Linear(4, 4), Skipping()), {"input": torch.zeros(1, 4)})
    assert [boundary.name for boundary in boundaries] == ["0", "1"]
