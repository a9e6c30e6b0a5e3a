"""Where a transformer can be cut: its blocks, as they stand in lists of modules of one kind.

What runs before the first block is one unit (embeddings and what belongs to them), what runs after
the last is one unit a module that does more than scale and shift (a pooler, a dense layer).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from headstart.contracts import Boundary
from headstart.sources.boundaries import begins_unit, share_out, watch, with_descendants


def find_blocks(module: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Boundary, ...]:
    """The boundaries of a transformer, embeddings to head, in order of execution.

    Args:
        module: the network.
        inputs: a small sample by argument name.
    """
    order = list(watch(module, inputs))
    blocks = _blocks(module, order)
    units: list[list[str]] = []
    begun = False
    seen: set[Tensor] = set()
    for name in order:
        own = set(module.get_submodule(name).parameters(recurse=False))
        if own <= seen:  # none, or those that another part has lent (a decoder's embeddings)
            continue
        seen |= own
        block = next((block for block in blocks if name == block or name.startswith(f"{block}.")), None)
        top = block or _outermost(name, blocks)
        if any(top in unit for unit in units):
            continue
        starts = block is not None or (begun and begins_unit(module.get_submodule(top)))
        if not units or starts:
            units.append([top])
        else:
            units[-1].append(top)
        begun = begun or block is not None
    parameters = share_out(module, units)
    return tuple(
        Boundary(name=unit[0], modules=with_descendants(module, unit), parameters=tuple(owned))
        for unit, owned in zip(units, parameters, strict=True)
    )


def _blocks(module: nn.Module, order: list[str]) -> list[str]:
    """Names of the members of the outermost lists of modules of one kind that run."""
    called = set(order)
    lists: list[str] = []
    for name, part in module.named_modules():
        nested = any(name.startswith(f"{outer}.") for outer in lists)
        if isinstance(part, nn.ModuleList) and not nested and _alike(name, part, called):
            lists.append(name)
    return [f"{name}.{place}" for name in lists for place in range(len(module.get_submodule(name)))]  # type: ignore[arg-type]


def _alike(name: str, members: nn.ModuleList, called: set[str]) -> bool:
    return (
        len({type(member) for member in members}) == 1
        and all(f"{name}.{place}" in called for place in range(len(members)))
        and all(begins_unit(member) for member in members)
    )


def _outermost(name: str, blocks: list[str]) -> str:
    """The largest part around a module that holds no block."""
    parts = name.split(".")
    for end in range(1, len(parts)):
        around = ".".join(parts[:end])
        if not any(block.startswith(f"{around}.") for block in blocks):
            return around
    return name
