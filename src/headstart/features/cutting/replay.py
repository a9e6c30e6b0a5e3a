"""Run what lies before a cut, or what lies behind it; the rest is stood in for, at no cost.

A module is stood in for by another `forward` of that one instance, put back on leaving: two threads
must not run the same network meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from headstart.features.cutting.cut import Cut
from headstart.features.cutting.forms import Sizes

Forward = Callable[..., Any]


class Prefix(nn.Module):
    """A network up to a cut, as a module of its own. It can be traced."""

    def __init__(self, network: nn.Module, cut: Cut) -> None:
        super().__init__()
        self.network = network
        self.cut = cut

    def forward(self, **inputs: Tensor) -> Tensor:
        """The network's inputs by name, to what flows in at the cut, (B, ...)."""
        cut, now = self.cut, _Pass()
        some = next(iter(inputs.values()))
        now.begin(some.shape[0], inputs, some.device)
        activations = []

        def arrive(*args: Any, **kwargs: Any) -> Any:
            if not now.arrived:
                now.arrived = True
                activations.append(cut.entry.read(args, kwargs))
            return cut.output.stand_in(now.sizes, now.device)

        # The pass goes on behind the cut, on stand-ins: a tracer must see it return, and drops what is dead.
        forwards = _stand_ins(self.network, cut, cut.beside, now, arrived=True)
        with _patched({self.network.get_submodule(cut.name): arrive, **forwards}):
            self.network(**inputs)
        return activations[0]


@contextmanager
def replaying(network: nn.Module, cut: Cut) -> Iterator[None]:
    """Inside, the network runs from the cut on: ``network(activation=stored, **inputs)``.

    What flows in at the cut takes the place of the floating inputs; token ids and masks are handed
    in as ever. Weights, modes and gradients are the network's own.
    """
    boundary = network.get_submodule(cut.name)
    whole, behind, now = network.forward, boundary.forward, _Pass()
    stored: list[Tensor] = []

    def begin(*, activation: Tensor, **inputs: Tensor) -> Any:
        now.begin(activation.shape[0], inputs, activation.device)
        stored[:] = [activation]
        floating = {name: form.stand_in(now.sizes, now.device) for name, form in cut.inputs.items()}
        return whole(**floating, **inputs)

    def arrive(*args: Any, **kwargs: Any) -> Any:
        if now.arrived:
            return behind(*args, **kwargs)
        now.arrived = True
        args, kwargs = cut.entry.replaced(args, kwargs, stored.pop())
        return behind(*args, **kwargs)

    forwards = _stand_ins(network, cut, cut.skipped, now, arrived=False)
    with _patched({network: begin, boundary: arrive, **forwards}):
        yield


class _Pass:
    """The forward pass under way: how large it is, where, and whether it has come to the cut."""

    sizes: Sizes
    device: torch.device
    arrived = True  # where none is under way, so that a layer that is called alone does run

    def begin(self, batch: int, inputs: Mapping[str, Tensor], device: torch.device) -> None:
        """Start anew."""
        self.sizes, self.device, self.arrived = Sizes.of(batch, inputs), device, False


def _stand_ins(
    network: nn.Module, cut: Cut, names: Iterable[str], now: _Pass, *, arrived: bool
) -> dict[nn.Module, Forward]:
    """For these modules, a forward that costs nothing before arrival at the cut, or from then on."""

    def stand_in(name: str, real: Forward) -> Forward:
        output = cut.beside[name]

        def forward(*args: Any, **kwargs: Any) -> Any:
            if now.arrived is arrived:
                return output.stand_in(now.sizes, now.device)
            return real(*args, **kwargs)

        return forward

    modules = {name: network.get_submodule(name) for name in names}
    return {module: stand_in(name, module.forward) for name, module in modules.items()}


@contextmanager
def _patched(forwards: Mapping[nn.Module, Forward]) -> Iterator[None]:
    """Modules with another forward, these instances alone; what they had of their own comes back."""
    own = {module: vars(module)["forward"] for module in forwards if "forward" in vars(module)}
    try:
        for module, forward in forwards.items():
            vars(module)["forward"] = forward
        yield
    finally:
        for module in forwards:
            vars(module).pop("forward", None)
        for module, forward in own.items():
            vars(module)["forward"] = forward
