"""Where a network can be cut, found by watching one forward pass. Needs no code per architecture.

A boundary begins at a unit: a block, or a layer that stands alone. Modules that do nothing but hand
a tensor from one part to the next (stages, lists of blocks) are opened; what has a way around or
inside it that skips a part (a residual block, parallel branches) is one unit. Layers that only scale,
shift or have no parameters belong to the unit before them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from headstart.contracts import Boundary

# Levels of parameters below a stage: its blocks, their layers, the tensors' owners.
_STAGE_DEPTH = 3


def find_boundaries(module: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Boundary, ...]:
    """The boundaries of a network, stem to head, in order of execution.

    A module that runs several times counts where it first runs. Every parameter belongs to exactly
    one boundary; those outside of every unit that runs belong to the first. Neither parameters nor
    buffers nor the training flags change.

    Args:
        module: the network.
        inputs: a small sample by argument name; a batch of one is enough.
    """
    calls = watch(module, inputs)
    called = sorted(
        (name for name in _parts("", module, calls) if name in calls), key=lambda n: calls[n].order
    )
    early: list[str] = []
    units: list[list[str]] = []
    for name in called:
        if begins_unit(module.get_submodule(name)):
            units.append([name])
        else:
            (units[-1] if units else early).append(name)
    if not units:
        return ()
    units[0] += early
    parameters = share_out(module, units)
    return tuple(
        Boundary(name=unit[0], modules=with_descendants(module, unit), parameters=tuple(owned))
        for unit, owned in zip(units, parameters, strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Value:
    """A tensor as it stood when it passed: the version counts changes in place."""

    tensor: Tensor
    version: int

    def __eq__(self, other: object) -> bool:
        """Whether both are the same memory, unchanged between; a view of it counts as the same."""
        if not isinstance(other, _Value) or self.version != other.version:
            return False
        return self.tensor.untyped_storage().data_ptr() == other.tensor.untyped_storage().data_ptr()


@dataclass
class _Call:
    """The first call of a module: its place in the order, what it was given, what it gave."""

    order: int
    given: _Value | None
    gave: _Value | None = None


def watch(module: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, _Call]:
    """The first call of every module that one forward pass in evaluation mode runs, by name."""
    calls: dict[str, _Call] = {}

    def enter(name: str, _: nn.Module, args: Any, kwargs: Any) -> None:
        if name not in calls:
            calls[name] = _Call(len(calls), _first_tensor((args, kwargs)))

    def leave(name: str, _: nn.Module, args: Any, output: Any) -> None:
        if calls[name].gave is None:
            calls[name].gave = _first_tensor(output)

    handles = []
    training = {part: part.training for part in module.modules()}
    try:
        module.eval()
        for name, part in module.named_modules():
            handles.append(part.register_forward_pre_hook(partial(enter, name), with_kwargs=True))
            handles.append(part.register_forward_hook(partial(leave, name)))
        with torch.no_grad():
            module(**inputs)
    finally:
        for handle in handles:
            handle.remove()
        for part, was in training.items():
            part.training = was
    return calls


def _first_tensor(value: Any) -> _Value | None:
    """The first tensor in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        return _Value(value, value._version)
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((found for part in value if (found := _first_tensor(part))), None)
    return None


def _parts(name: str, module: nn.Module, calls: Mapping[str, _Call]) -> Iterator[str]:
    """Names of the modules at which opening ends."""
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}" if name else child_name
        if _is_opened(full, child, calls):
            yield from _parts(full, child, calls)
        else:
            yield full


def _is_opened(name: str, module: nn.Module, calls: Mapping[str, _Call]) -> bool:
    if next(module.children(), None) is None:
        return False
    if name not in calls:  # a list of modules is never called itself
        return True
    return (isinstance(module, nn.Sequential) or _depth(module) >= _STAGE_DEPTH) and _is_chain(
        name, module, calls
    )


def _is_chain(name: str, module: nn.Module, calls: Mapping[str, _Call]) -> bool:
    """Whether a module only hands on: each part gets what the one before gave, and nothing is added."""
    links = sorted(_called_children(name, module, calls), key=lambda call: call.order)
    gave = [calls[name].given, *(link.gave for link in links)]
    given = [*(link.given for link in links), calls[name].gave]
    return bool(links) and None not in gave and gave == given


def _called_children(name: str, module: nn.Module, calls: Mapping[str, _Call]) -> Iterator[_Call]:
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}"
        if full in calls:
            yield calls[full]
        else:
            yield from _called_children(full, child, calls)


def _depth(module: nn.Module) -> int:
    """Levels of sub-modules with parameters."""
    owners = [child for child in module.children() if next(child.parameters(), None) is not None]
    return 1 + max(map(_depth, owners)) if owners else 0


def begins_unit(module: nn.Module) -> bool:
    """Whether it does more than scale and shift: some parameter is no vector."""
    return any(sum(side > 1 for side in parameter.shape) > 1 for parameter in module.parameters())


def with_descendants(module: nn.Module, unit: list[str]) -> tuple[str, ...]:
    """Names of the modules of a unit and of all below them."""
    names = (below for name in unit for below, _ in module.get_submodule(name).named_modules(prefix=name))
    return tuple(names)


def share_out(module: nn.Module, units: list[list[str]]) -> list[list[str]]:
    """Names of all parameters, for each unit those that it owns."""
    unit_of = {name: index for index, unit in enumerate(units) for name in unit}
    shared: list[list[str]] = [[] for _ in units]
    for parameter, _ in module.named_parameters():
        owner = parameter
        while owner and owner not in unit_of:
            owner = owner.rpartition(".")[0]
        shared[unit_of.get(owner, 0)].append(parameter)
    return shared
