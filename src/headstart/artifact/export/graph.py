"""A whole model as one module of tensors: what other engines are given. Knows none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from headstart.artifact.model import Model
from headstart.contracts import Example
from headstart.errors import RequestError

# Inputs of different length, so that no engine takes the length of one for that of all.
SAMPLES = 3
OUTPUTS = ("logits", "probabilities", "features")
# Names of the axes that vary.
BATCH, LENGTH = "batch", "length"


class Graph(nn.Module):
    """Inputs of views to what a model's task reads, and what anyone else would like to read.

    Of tasks that give one row an input, the outputs are the head's values divided by the temperature,
    (B, outputs); the probabilities of the labels, (B, labels); and the features, (B, D). Of others, the
    head's values alone.

    Args:
        model: of torch.
        entrance: what the network does of the preprocessing; None is nothing.
        names: of the inputs, in the order of `forward`.
    """

    def __init__(self, model: Model, entrance: nn.Module | None, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network = model.torch
        self.entrance = entrance
        self.names = names
        self.temperature = model.temperature
        self.probed = model.task.probed
        self.exclusive = model.task.exclusive
        self.labels = len(model.labels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Their names, in their order."""
        return OUTPUTS if self.probed else OUTPUTS[:1]

    def forward(self, *values: Tensor) -> Any:
        """Inputs in the order of `names`, each with a batch axis, to outputs in theirs; one is no tuple."""
        inputs = dict(zip(self.names, values, strict=True))
        if self.entrance is not None:
            inputs = self.entrance(*values)
        if not self.probed:
            return self.network(**inputs).float()
        network: Any = self.network
        features = network.backbone(**inputs)
        logits = network.head(features).float() / self.temperature
        return logits, self._shares(logits), features.float()

    def _shares(self, logits: Tensor) -> Tensor:
        """Probabilities of the labels; a single output speaks for the second of two."""
        if self.exclusive:
            return torch.softmax(logits, dim=1)
        shares = torch.sigmoid(logits)
        return torch.cat([1 - shares, shares], dim=1) if self.labels > logits.shape[1] else shares


@dataclass(frozen=True)
class Traceable:
    """A graph, and inputs to follow through it.

    Attributes:
        graph: in evaluation mode.
        inputs: by name, with a batch axis.
        varying: by input, the names of its axes that vary, by their place.
        preprocessing: what is left to the modality.
    """

    graph: Graph
    inputs: Mapping[str, Tensor]
    varying: Mapping[str, Mapping[int, str]]
    preprocessing: Any


def traceable(model: Model) -> Traceable:
    """What an engine is given of a model.

    Raises:
        RequestError: it answers token by token, so no one pass is its answer; or it has no samples.
    """
    if not model.task.single_pass:
        raise RequestError(
            f"{model.task.name}: writes token by token, so there is no one pass that could be exported.",
            "Serve it as it is, with torch.",
        )
    if not model.golden:
        raise RequestError(
            "The model carries no golden samples, without which an export cannot be checked.",
            "Train it again, with golden_samples above 0.",
        )
    preprocessing, entrance = model.modality.entrance(model.modality.preprocessing)
    modality = type(model.modality)(preprocessing, None, 0)
    examples = [
        Example(str(place), value, origin=f"golden sample {place + 1}")
        for place, value in enumerate(model.golden.first(SAMPLES).inputs)
    ]
    batch = model.task.collate(examples, [modality.view(example, None) for example in examples])
    given = _Given(model.torch, entrance)
    with torch.inference_mode():
        model.task.outputs(given, batch)
    axes = {0: BATCH, 1: LENGTH} if modality.ragged else {0: BATCH}
    return Traceable(
        Graph(model, entrance, tuple(given.inputs)).eval(),
        # What was made in inference mode is no ordinary tensor.
        {name: value.clone() for name, value in given.inputs.items()},
        dict.fromkeys(given.inputs, axes),
        preprocessing,
    )


class _Given(nn.Module):
    """Remembers what a task gives the network: windows of a text, say, one below the other."""

    inputs: Mapping[str, Tensor]

    def __init__(self, network: nn.Module, entrance: nn.Module | None) -> None:
        super().__init__()
        self.network = network
        self.entrance = entrance

    def forward(self, **inputs: Tensor) -> Tensor:
        self.inputs = inputs
        if self.entrance is not None:
            inputs = self.entrance(*inputs.values())
        outputs: Tensor = self.network(**inputs)
        return outputs
