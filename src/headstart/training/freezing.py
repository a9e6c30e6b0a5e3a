"""What trains and what does not: gradients, modes, and the proof that frozen layers are frozen.

A part of the network is the head, or a boundary of the backbone. What is not named as trainable
is frozen: no gradient, evaluation mode, and no buffer changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from headstart.contracts import HEAD, Boundary
from headstart.errors import RequestError, did_you_mean

BACKBONE = "backbone."

Parameters = Mapping[str, nn.Parameter]


def freeze(
    network: nn.Module, boundaries: Sequence[Boundary], trainable: Collection[str], batch_norm: str
) -> dict[str, Parameters]:
    """Let the named parts train, and nothing else.

    Args:
        network: with `.backbone` and `.head`.
        boundaries: of the backbone.
        trainable: names of boundaries, and "head".
        batch_norm: "frozen" keeps the statistics of the backbone's BatchNorm layers that train;
            their scale and shift train nevertheless.

    Returns:
        The trainable parameters by full name, by part.

    Raises:
        RequestError: a name that is no part of the network.
    """
    groups = _chosen(network, boundaries, trainable)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    for parameter in flat(groups).values():
        parameter.requires_grad_(True)
    set_training_mode(network, boundaries, trainable, batch_norm)
    return groups


def set_training_mode(
    network: nn.Module, boundaries: Sequence[Boundary], trainable: Collection[str], batch_norm: str
) -> None:
    """Put trainable parts in training mode and all else in evaluation mode; arguments as of `freeze`."""
    network.eval()
    for module in _modules(network, boundaries, set(trainable) - {HEAD}):
        module.train()
        if batch_norm == "frozen":
            for layer in module.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()
    if HEAD in trainable:
        network.get_submodule(HEAD).train()


def normalises_over_batch(network: nn.Module) -> bool:
    """Whether, as its modes are, what it says of an example depends on the others of its batch."""
    return any(isinstance(layer, _BatchNorm) and layer.training for layer in network.modules())


def flat(groups: Mapping[str, Parameters]) -> dict[str, nn.Parameter]:
    """Parameters by name, of all parts together."""
    return {name: parameter for group in groups.values() for name, parameter in group.items()}


def tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every weight and every buffer by full name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def changing(
    network: nn.Module, boundaries: Sequence[Boundary], trainable: Collection[str]
) -> frozenset[str]:
    """Names of the weights and buffers that training these parts may change."""
    names = set(flat(_chosen(network, boundaries, trainable)))
    inside = {
        id(buffer) for module in _modules(network, boundaries, trainable) for buffer in module.buffers()
    }
    return frozenset(names | {name for name, buffer in network.named_buffers() if id(buffer) in inside})


def digest(network: nn.Module, names: Iterable[str]) -> str:
    """sha256 of these weights and buffers, names included: equal only where every byte is."""
    total = hashlib.sha256()
    everything = tensors(network)
    for name in sorted(names):
        total.update(name.encode())
        value = everything[name].detach().cpu().contiguous()
        total.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _chosen(
    network: nn.Module, boundaries: Sequence[Boundary], trainable: Collection[str]
) -> dict[str, Parameters]:
    """The parameters of the named parts, stem to head."""
    names = [*(boundary.name for boundary in boundaries), HEAD]
    unknown = [name for name in trainable if name not in names]
    if unknown:
        guess = did_you_mean(unknown[0], names)
        raise RequestError(
            f"A phase trains '{unknown[0]}', which is no part of the network.{guess}",
            f"There are: {', '.join(names)}.",
        )
    named = dict(network.named_parameters())
    parts: dict[str, Parameters] = {
        boundary.name: {BACKBONE + name: named[BACKBONE + name] for name in boundary.parameters}
        for boundary in boundaries
        if boundary.name in trainable
    }
    if HEAD in trainable:
        parts[HEAD] = {name: value for name, value in named.items() if not name.startswith(BACKBONE)}
    return parts


def _modules(
    network: nn.Module, boundaries: Sequence[Boundary], parts: Collection[str]
) -> Iterator[nn.Module]:
    for boundary in boundaries:
        if boundary.name in parts:
            yield from (network.get_submodule(BACKBONE + module) for module in boundary.modules)
    if HEAD in parts:
        yield network.get_submodule(HEAD)
