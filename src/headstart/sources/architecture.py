"""Networks of timm as backbones: built, filled with weights, measured. Knows no hub and no file format."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import resolve_data_config
from timm.models import get_pretrained_cfg, model_entrypoint
from torch import Tensor, nn

from headstart.contracts import Backbone
from headstart.errors import ModelError, a_few, did_you_mean
from headstart.modalities.image.preprocessing import ImagePreprocessing
from headstart.sources.boundaries import find_boundaries

# What timm itself does with arguments: fetch weights, open files. None of it is the network's form.
LOADING = frozenset(inspect.signature(timm.create_model).parameters) - {"model_name"}
# The second classifier that torchvision's Inception checkpoints hold; timm's settings do not name it.
_AUXILIARY_CLASSIFIER = "AuxLogits"


@dataclass(frozen=True)
class Checkpoint:
    """Weights in timm's naming, and what is known of them.

    Attributes:
        name: ``SOURCE:NAME``.
        path: of the file that was read, for messages.
        architecture: timm's name of the network, without a tag.
        arguments: of the network's constructor, as plain data.
        revision, sha256, licence: as in `Backbone`.
    """

    name: str
    path: Path
    weights: Mapping[str, Tensor]
    architecture: str
    arguments: Mapping[str, Any]
    preprocessing: ImagePreprocessing
    licence: str
    revision: str
    sha256: str


def build(architecture: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A network of timm without a classifier, with untrained weights, in evaluation mode.

    Raises:
        ModelError: timm has no such architecture, or it does not take these arguments; or one of them
            would load something.
    """
    check_architecture(architecture)
    loading = sorted(LOADING.intersection(arguments))
    if loading:
        raise ModelError(
            f"'{architecture}' cannot be built: {', '.join(loading)} would load what is not named.",
            "Take it out of the arguments.",
        )
    try:
        module: nn.Module = timm.create_model(architecture, num_classes=0, **arguments)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise ModelError(
            f"'{architecture}' cannot be built with {dict(arguments)}: {error}.", "Correct its arguments."
        ) from error
    return module.eval()


def check_architecture(architecture: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        ModelError: timm has no such architecture.
    """
    if not timm.is_model(architecture):
        raise ModelError(
            f"timm {timm.__version__} has no architecture '{architecture}'."
            f"{did_you_mean(architecture, timm.list_models())}",
            "timm.list_models() lists all.",
        )


def rebuild(blueprint: Mapping[str, Any]) -> nn.Module:
    """The module of a blueprint that `assemble` wrote, with untrained weights.

    Raises:
        ModelError: the installed timm does not have it.
    """
    module = build(blueprint["architecture"], blueprint["arguments"])
    _resize(module, blueprint, tuple(blueprint["image_size"]))
    return module


def assemble(checkpoint: Checkpoint, image_size: int | None, *, published: bool = False) -> Backbone:
    """The backbone of a checkpoint.

    Args:
        checkpoint: weights and what is known of them.
        image_size: another input size than the checkpoint's, in pixels.
        published: whether timm itself offers the file for this architecture. An older one is then
            converted as timm does, and may hold weights that the network does not use.

    Raises:
        ModelError: the weights do not fit, or the network does not take that size.
    """
    preprocessing = checkpoint.preprocessing
    if image_size is not None:
        preprocessing = replace(preprocessing, size=(image_size, image_size))
    blueprint = {
        "source": checkpoint.name.partition(":")[0],
        "architecture": checkpoint.architecture,
        "arguments": dict(checkpoint.arguments),
        "image_size": list(preprocessing.size),
    }
    module = build(checkpoint.architecture, checkpoint.arguments)
    _fill(module, checkpoint, published)
    _resize(module, blueprint, preprocessing.size)
    sample = torch.zeros(1, preprocessing.channels, *preprocessing.size)
    return Backbone(
        feature_size=_feature_size(module, sample, checkpoint),
        boundaries=find_boundaries(module, {"x": sample}),
        module=module,
        preprocessing=preprocessing,
        name=checkpoint.name,
        blueprint=blueprint,
        licence=checkpoint.licence,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        revision=checkpoint.revision,
        sha256=checkpoint.sha256,
    )


def constructor_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments that a checkpoint's input asks for.

    Args:
        settings: timm's `pretrained_cfg`, as a mapping.
    """
    channels, *size = settings["input_size"]
    arguments: dict[str, Any] = {} if channels == 3 else {"in_chans": channels}
    return {**arguments, "img_size": size} if settings.get("fixed_input_size") else arguments


def preprocessing_of(settings: Mapping[str, Any]) -> ImagePreprocessing:
    """What a checkpoint expects of its images, from timm's `pretrained_cfg` as a mapping."""
    expected = resolve_data_config(pretrained_cfg=dict(settings))
    return ImagePreprocessing(
        size=tuple(expected["input_size"][1:]),
        crop=expected["crop_pct"],
        mode=expected["crop_mode"],
        interpolation=expected["interpolation"],
        mean=tuple(expected["mean"]),
        std=tuple(expected["std"]),
    )


def _fill(module: nn.Module, checkpoint: Checkpoint, published: bool) -> None:
    """Give a network its weights: all of them, and none that belong elsewhere."""
    weights = _without_classifier(checkpoint.weights, checkpoint.architecture)
    found = _mismatches(weights, module)
    if found and published:
        weights = _converted(weights, module, checkpoint.architecture)
        found = _mismatches(weights, module)
        found.pop("unexpected", None)
    if found:
        listed = "; ".join(f"{len(keys)} {matter}: {a_few(keys)}" for matter, keys in found.items())
        raise ModelError(
            f"{checkpoint.path}: its weights do not fit '{checkpoint.architecture}': {listed}.",
            "Name the architecture that they were trained with.",
        )
    module.load_state_dict(weights, strict=not published)


def _without_classifier(weights: Mapping[str, Tensor], architecture: str) -> Mapping[str, Tensor]:
    classifiers = get_pretrained_cfg(architecture).classifier or ()
    names = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
    prefixes = tuple(f"{name}." for name in (*names, _AUXILIARY_CLASSIFIER))
    return {key: value for key, value in weights.items() if not key.startswith(prefixes)}


def _mismatches(weights: Mapping[str, Tensor], module: nn.Module) -> dict[str, list[str]]:
    """Keys that do not fit, by what is the matter with them; empty where all fit."""
    own = module.state_dict()
    found = {
        "missing": [key for key in own if key not in weights],
        "of another shape": [
            f"{key} {tuple(weights[key].shape)} for {tuple(own[key].shape)}"
            for key in own
            if key in weights and weights[key].shape != own[key].shape
        ],
        "unexpected": [key for key in weights if key not in own],
    }
    return {matter: keys for matter, keys in found.items() if keys}


def _converted(weights: Mapping[str, Tensor], module: nn.Module, architecture: str) -> Mapping[str, Tensor]:
    """The weights in timm's present naming, by the conversion of the architecture's family."""
    family = sys.modules[model_entrypoint(architecture).__module__]
    convert = getattr(family, "checkpoint_filter_fn", None)
    return weights if convert is None else convert(weights, module)


def _resize(module: nn.Module, blueprint: Mapping[str, Any], size: tuple[int, ...]) -> None:
    """Let a network of one input size take another, its position embeddings resampled."""
    own = blueprint["arguments"].get("img_size")
    if own is None or tuple(own) == size:
        return
    architecture, height, width = blueprint["architecture"], *size
    refusal = f"'{architecture}' cannot take images of {height} x {width} pixels"
    remedy = f"Leave --image-size away: it takes {own[0]} x {own[1]}."
    resize = getattr(module, "set_input_size", None)
    if resize is None:
        raise ModelError(f"{refusal}: its input size is fixed.", remedy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's resampling remarks on its own speed
            resize(img_size=size)
    except (AssertionError, RuntimeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{refusal}: {error}.", remedy) from error


def _feature_size(module: nn.Module, sample: Tensor, checkpoint: Checkpoint) -> int:
    """Width of what the network gives for one image, by trying."""
    height, width = sample.shape[-2:]
    try:
        with torch.no_grad():
            features = module(x=sample)
    except (AssertionError, RuntimeError, ValueError, IndexError) as error:
        own = " x ".join(str(side) for side in checkpoint.preprocessing.size)
        raise ModelError(
            f"{checkpoint.name} cannot take images of {height} x {width} pixels: {error}.",
            f"Choose another --image-size; its own is {own}.",
        ) from error
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise ModelError(f"{checkpoint.name} does not give one vector an image.", "Choose another model.")
    return features.shape[1]
