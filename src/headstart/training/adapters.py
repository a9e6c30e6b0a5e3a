"""Low-rank adapters put into a network, and added to its weights in the end (LoRA; Hu et al., 2022)."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace

import torch
from torch import nn

from headstart.contracts import Adapters, Boundary
from headstart.errors import MissingExtra, RequestError
from headstart.training.freezing import BACKBONE

# What peft calls the matrices.
_MATRICES = "lora_"


def attach(
    network: nn.Module,
    boundaries: Sequence[Boundary],
    names: Collection[str],
    adapters: Adapters,
    *,
    seed: int,
) -> tuple[Boundary, ...]:
    """Put adapters beside the matrices of some boundaries, in place; at first they add nothing.

    Args:
        network: with `.backbone` and `.head`.
        boundaries: of the backbone.
        names: of those that get adapters.
        adapters: of what form.
        seed: of their weights; the process's own generator is untouched.

    Returns:
        The boundaries as they are now: those that got adapters own these alone, so that training a
        boundary trains its adapters.

    Raises:
        MissingExtra: peft is not installed.
        RequestError: none of them has a matrix.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtra("Low-rank adapters", "pip install 'headstart[peft]'") from error
    chosen = [boundary for boundary in boundaries if boundary.name in names]
    places = [
        BACKBONE + module
        for boundary in chosen
        for module in boundary.modules
        if _is_matrix(network.get_submodule(BACKBONE + module))
    ]
    if not places:
        raise RequestError("No layer of this network takes adapters.", "Choose --technique full.")
    config = LoraConfig(
        r=adapters.rank,
        lora_alpha=adapters.alpha,
        lora_dropout=adapters.dropout,
        target_modules=places,
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # Of layers like GPT-2's, whose weights lie the other way round, it warns, and does what is right.
        warnings.filterwarnings("ignore", message="fan_in_fan_out")
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network)
    return tuple(
        replace(boundary, parameters=_adapters_of(network, boundary)) if boundary in chosen else boundary
        for boundary in boundaries
    )


def merge(network: nn.Module) -> None:
    """Add adapters to the weights that they stand beside, and take them out, in place."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in list(network.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            network.set_submodule(name, layer.get_base_layer())


def _adapters_of(network: nn.Module, boundary: Boundary) -> tuple[str, ...]:
    """Full names below the backbone."""
    return tuple(
        name.removeprefix(BACKBONE)
        for name, _ in network.named_parameters()
        if _MATRICES in name
        and name.removeprefix(BACKBONE).startswith(tuple(f"{m}." for m in boundary.modules))
    )


def _is_matrix(module: nn.Module) -> bool:
    """Whether peft has an adapter for a layer that multiplies by a matrix."""
    if isinstance(module, nn.Conv2d):
        return module.groups == 1
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
