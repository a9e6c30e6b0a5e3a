"""Networks of transformers without their last layer, and which of its classes a task wants."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from headstart.errors import ModelError, RequestError

# Task to the class of transformers whose last layer is new, and learned.
CLASSES: Mapping[str, str] = {
    "text-classification": "AutoModelForSequenceClassification",
}
# So many labels no network has by chance: by their number the last layer is found.
_MARK = 1013


class Features(nn.Module):
    """A network of transformers whose last layer was taken out: gives what that layer would be given.

    Args:
        model: with an `nn.Identity` in the place of its last layer.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Tensor) -> Tensor:
        """(B, D), from token inputs (B, T) by name."""
        features: Tensor = self.model(**inputs).logits
        return features


def config_of(blueprint: Mapping[str, Any]) -> Any:
    """The configuration in a blueprint.

    Raises:
        ModelError: the installed transformers does not know its kind.
    """
    stated = dict(blueprint["config"])
    try:
        return transformers.AutoConfig.for_model(stated.pop("model_type"), **stated)
    except ValueError as error:
        raise ModelError(f"The installed transformers does not know it: {error}", "Update it.") from error


def auto_class(task: str) -> Any:
    """The class of transformers for a task.

    Raises:
        RequestError: there is none.
    """
    if task not in CLASSES:
        raise RequestError(
            f"Models of transformers are not for {task}.", f"They are for: {', '.join(sorted(CLASSES))}."
        )
    return getattr(transformers, CLASSES[task])


def last_layer(task: str, config: Any) -> tuple[str, nn.Linear]:
    """Name and form of the layer that gives the labels; it has no memory for weights.

    Raises:
        ModelError: transformers has no such network for this configuration, or not one such layer.
    """
    marked = copy.deepcopy(config)
    marked.num_labels = _MARK
    kind = getattr(config, "model_type", "?")
    try:
        with torch.device("meta"):
            model = auto_class(task).from_config(marked)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"transformers {transformers.__version__} has no {kind} network for {task}: {first_line(error)}",
            "Choose another model.",
        ) from error
    found = {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and part.out_features == _MARK
    }
    if len(found) != 1:
        raise ModelError(f"The {kind} network for {task} has not one last layer.", "Choose another model.")
    return next(iter(found.items()))


def without_last_layer(model: nn.Module, name: str) -> Features:
    """The network with nothing in the place of its last layer."""
    model.set_submodule(name, nn.Identity())
    part: Any
    for part in model.modules():
        if getattr(part, "loss_type", "") is None:
            part.loss_type = "ForSequenceClassification"  # Tracing reads it, and would warn of None.
    return Features(model.eval())


def first_line(error: Exception) -> str:
    """What an error of a foreign library says first."""
    return next(iter(str(error).splitlines()), type(error).__name__)
