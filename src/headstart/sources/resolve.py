"""The model that a user names, from whichever source has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from headstart.catalog import SOURCES, resolve
from headstart.contracts import Backbone, Native, Source
from headstart.errors import ModelError, did_you_mean

# The builtin that serves where no model is named, by task.
DEFAULTS: Mapping[str, str] = {
    "image-classification": "builtin:efficientnet-lite0",
    "text-classification": "builtin:all-minilm-l6-v2",
    "token-classification": "builtin:all-minilm-l6-v2",
    "question-answering": "builtin:all-minilm-l6-v2",
}
# What a message names where there is none.
EXAMPLES: Mapping[str, str] = {
    "translation": "hf:google-t5/t5-small",
    "text-generation": "hf:openai-community/gpt2",
}


def load(
    model: str | None,
    *,
    task: str = "image-classification",
    family: str | None = None,
    image_size: int | None = None,
) -> Backbone:
    """The pretrained backbone.

    Args:
        model: ``SOURCE:NAME``, or a NAME that only one source knows; None is the default builtin.
        task: that it is to learn.
        family: of the task's inputs, which must be the network's; None does not look.
        image_size: another input size than the checkpoint's, in pixels.

    Raises:
        RequestError: no source has it, several have it, it cannot be loaded, or it is not for these inputs.
    """
    if model is None and task not in DEFAULTS:
        raise ModelError(
            f"No model for {task} comes with the package.",
            f"Name one, such as --model {EXAMPLES.get(task, 'hf:NAME')}.",
        )
    source, name = _parse(model or DEFAULTS[task])
    backbone = source.load(name, task=task, image_size=image_size)
    if family not in (None, backbone.modality):
        raise ModelError(
            f"{backbone.name} reads {backbone.modality}s, but {task} has {family}s.",
            "Name another model, or none; --task says what the data is, where that was guessed wrongly.",
        )
    return backbone


def native(blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native | None:
    """The form of a classifier in which the library of its backbone opens it; see `Source.native`."""
    return source_of(blueprint["source"]).native(blueprint, labels, several=several)


def rebuild(blueprint: Mapping[str, Any]) -> nn.Module:
    """The module of a backbone's blueprint with untrained weights, needing no network."""
    return source_of(blueprint["source"]).rebuild(blueprint)


def describe() -> tuple[str, ...]:
    """Every model that can be had without a network, as ``SOURCE:NAME``."""
    return tuple(f"{prefix}:{name}" for prefix in SOURCES for name in source_of(prefix).names())


def source_of(name: str) -> Source:
    """The source under a prefix.

    Raises:
        RequestError: there is none.
    """
    source: Source = resolve("source", name, SOURCES)()
    return source


def _parse(model: str) -> tuple[Source, str]:
    prefix, colon, name = model.partition(":")
    if colon:
        return source_of(prefix), name
    knowing = [source for source in map(source_of, SOURCES) if source.knows(model)]
    if not knowing:
        # It brings torchvision and torch's compiler, which most models need not have in memory.
        from timm import list_models

        offline = describe()
        names = [name.partition(":")[2] for name in offline]
        names += list_models(pretrained=True, include_tags=False)
        raise ModelError(
            f"No source knows a model '{model}'.{did_you_mean(model, names)}",
            f"Without a network there are: {', '.join(offline)}.",
        )
    if len(knowing) > 1:
        choices = " or ".join(f"{source.name}:{model}" for source in knowing)
        raise ModelError(f"Several sources know a model '{model}'.", f"Say which: {choices}.")
    return knowing[0], model
