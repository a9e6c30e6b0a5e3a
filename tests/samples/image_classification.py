"""A little of what image classification works on, for the contract tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from headstart.contracts import Backbone, Boundary, Example
from headstart.modalities.image.preprocessing import ImagePreprocessing

SIDE = 16
COLOURS = {"blue": (40, 60, 200), "green": (60, 180, 70), "red": (210, 50, 40)}
FEATURES = 8


class TinyConvNet(nn.Module):
    """Two convolutions and a mean; its argument is named as timm's networks name theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, kernel_size=3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.stage = nn.Conv2d(6, FEATURES, kernel_size=3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.stage(torch.relu(self.norm(self.stem(x))))).mean(dim=(2, 3))


def examples(folder: Path, *, per_class: int = 5) -> list[Example]:
    """Noisy images of one colour each, written to class folders; the colour is the label."""
    noise = np.random.default_rng(0)
    found = []
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            pixels = np.array(colour) + noise.integers(-40, 40, size=(SIDE, SIDE, 3))
            path = folder / label / f"{number}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            name = f"{label}/{number}.png"
            found.append(Example(id=name, input=path, target=label, origin=name))
    return found


def backbone(*, seed: int = 0) -> Backbone:
    """A seeded network of two boundaries, pretrained on nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = TinyConvNet()
    return Backbone(
        module=module,
        boundaries=(
            _boundary(module, "stem", modules=("stem", "norm")),
            _boundary(module, "stage", modules=("stage",)),
        ),
        feature_size=FEATURES,
        preprocessing=ImagePreprocessing(size=(SIDE, SIDE), crop=1.0),
        name="sample:tiny-conv-net",
        blueprint={},
        licence="Apache-2.0",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        revision="1",
        sha256="",
    )


def _boundary(module: nn.Module, name: str, *, modules: Sequence[str]) -> Boundary:
    owned = [key for key, _ in module.named_parameters() if key.split(".")[0] in modules]
    return Boundary(name, tuple(modules), tuple(owned))
