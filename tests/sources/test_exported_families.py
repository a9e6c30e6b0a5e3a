"""Programs of torch.export, of networks of each family: computed here, they say what the network says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import timm
import torch
from tiny_transformers import KINDS, save_checkpoint
from torch import Tensor, nn
from torch.export import Dim

from headstart.artifact.export.pt2 import read_program
from headstart.sources.hf import HuggingFace

# One with a graph within its graph among them.
IMAGES = ("test_vit", "test_byobnet", "test_convnext", "test_maxvit", "test_nfnet", "efficientvit_b0")
MANY = pytest.mark.slow


class ByPlace(nn.Module):
    """A network whose inputs have no names."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, *values: Tensor) -> Tensor:
        """Inputs in the order of the names."""
        given: Tensor = self.network(**dict(zip(self.names, values, strict=True)))
        return given


def assert_the_program_is_the_same(
    network: nn.Module, inputs: dict[str, Tensor], axes: tuple[int, ...]
) -> None:
    graph = ByPlace(network, tuple(inputs)).eval()
    varying = (tuple(dict.fromkeys(axes, Dim.DYNAMIC) for _ in inputs),)
    file = io.BytesIO()
    with torch.no_grad():
        torch.export.save(torch.export.export(graph, tuple(inputs.values()), dynamic_shapes=varying), file)
        program = read_program(file.getvalue())
        for some in (list(inputs.values()), [value[:2] for value in inputs.values()]):
            (found,) = program(*some)
            assert torch.equal(found, graph(*some))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", IMAGES)
def test_a_network_for_images(name: str) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    assert_the_program_is_the_same(
        network, {"x": torch.rand(3, 3, *network.default_cfg["input_size"][1:])}, (0,)
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["modernbert", "t5", *(pytest.param(k, marks=MANY) for k in KINDS)])
def test_a_network_for_texts(kind: str, tmp_path: Path) -> None:
    backbone = HuggingFace().load(str(save_checkpoint(kind, tmp_path)), task="text-classification")
    texts = ["a good film", "the cat sat on the mat and looked at the dog", "where were you last night ?"]
    inputs = backbone.preprocessing.tokenizer(texts, padding=True, return_tensors="pt")
    assert_the_program_is_the_same(backbone.module, dict(inputs), (0, 1))
