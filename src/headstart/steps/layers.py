"""The layers before a cut, and what tells them from all others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from torch import nn

from headstart.contracts import HEAD, Backbone
from headstart.features.cutting.cut import Cut
from headstart.features.cutting.replay import Prefix
from headstart.training.freezing import BACKBONE, changing, digest


@dataclass(frozen=True)
class Layers:
    """The layers before a cut.

    Attributes:
        name: of the boundary, or "head".
        module: called with the network's inputs, gives what flows into the cut.
        network: that they are part of.
        tensors: names of their weights and buffers in there.
        weights: sha256 of these, as they were when this was made.
        architecture: sha256 of what the backbone was built from: equal weights may be put together otherwise.
    """

    name: str
    module: nn.Module
    network: nn.Module
    tensors: Collection[str]
    weights: str
    architecture: str

    @classmethod
    def before(cls, cut: Cut | None, network: nn.Module, backbone: Backbone) -> Layers:
        """Those before a cut of a network; None is all of its backbone."""
        name = HEAD if cut is None else cut.name.removeprefix(BACKBONE)
        module = network.get_submodule("backbone") if cut is None or name == HEAD else Prefix(network, cut)
        names = [boundary.name for boundary in backbone.boundaries]
        earlier = names if name == HEAD else names[: names.index(name)]
        tensors = changing(network, backbone.boundaries, earlier)
        return cls(
            name=name,
            module=module.eval(),
            network=network,
            tensors=tensors,
            weights=digest(network, tensors),
            architecture=architecture_of(backbone),
        )

    @property
    def digest(self) -> str:
        """Of all that they compute."""
        return f"{self.architecture} {self.weights}"

    def stand_for(self, others: Layers) -> bool:
        """Whether they still compute what others do of the same digest, which were made just now.

        Training changes layers in place.
        """
        own, theirs = (layers.network.get_submodule("backbone") for layers in (self, others))
        return own is theirs or digest(self.network, self.tensors) == others.weights


def architecture_of(backbone: Backbone) -> str:
    """sha256 of what a backbone was built from."""
    return hashlib.sha256(json.dumps(backbone.blueprint, sort_keys=True).encode()).hexdigest()
