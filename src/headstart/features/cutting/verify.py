"""Whether a network that is entered at a cut computes what it does as a whole: values and gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from headstart.features.cutting.cut import Cut, Inputs
from headstart.features.cutting.replay import Prefix, replaying
from headstart.features.cutting.untouched import untouched

TOLERANCE = 1e-5

# Below this share of the largest gradient, a gradient may be rounding alone: of a bias before BatchNorm.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Differences:
    """The largest differences between a cut and the whole network, relative to the values there.

    Attributes:
        activation: of what flows in at the cut, as the part before it alone gives it.
        values: of the outputs, and of the buffers afterwards: statistics of BatchNorm.
        gradients: of the parameters behind the cut, and of the activation.
        reason: why the cut is of no use, as one clause; empty where it is exact.
    """

    activation: float = math.inf
    values: float = math.inf
    gradients: float = math.inf
    reason: str = ""

    @property
    def largest(self) -> float:
        """Of the three."""
        return max(self.activation, self.values, self.gradients)


def verify(network: nn.Module, cut: Cut, inputs: Inputs) -> Differences:
    """Compare values and gradients in the mode in which the network stands; values in evaluation mode.

    In fp32; dropout is drawn from one seed both ways.

    Args:
        network: in the mode in which it will be trained: what lies before the cut in evaluation
            mode, as frozen layers are. It is left as it was.
        cut: of this network.
        inputs: of the whole network; two examples at least, where BatchNorm trains.
    """
    device = next(iter(inputs.values())).device
    with (
        untouched(network),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.autocast(device.type, enabled=False),
    ):
        for parameter in network.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        for module in cut.before:
            network.get_submodule(module).requires_grad_(False)
        with torch.enable_grad():
            training = _compare(network, cut, inputs, "training")
        network.eval()
        with torch.no_grad():
            evaluation = _compare(network, cut, inputs, "evaluation")
    return max(training, evaluation, key=lambda differences: differences.largest)


@dataclass(frozen=True)
class _Outcome:
    """Outputs and buffers after a pass; gradients of the activation and of every parameter."""

    values: Sequence[Tensor]
    gradients: Sequence[Tensor]


def _compare(network: nn.Module, cut: Cut, inputs: Inputs, mode: str) -> Differences:
    try:
        differences = _differences(network, cut, inputs)
    except Exception as error:  # what runs on stand-ins may fail in any way
        first = str(error).partition("\n")[0]
        return Differences(reason=f"entering at '{cut.name}' fails with {type(error).__name__}: {first}")
    if differences.largest <= TOLERANCE:
        return differences
    worst = max(("activation", "values", "gradients"), key=partial(getattr, differences))
    how = f"changes {worst} by {differences.largest:.0e} of their size in {mode} mode"
    return replace(differences, reason=f"entering at '{cut.name}' {how}")


def _differences(network: nn.Module, cut: Cut, inputs: Inputs) -> Differences:
    with torch.no_grad():
        activation = Prefix(network, cut)(**inputs)
    leaf = activation.detach().requires_grad_()
    flowed_in: list[Tensor] = []

    def enter(_: nn.Module, args: Any, kwargs: Any) -> Any:
        if flowed_in:
            return args, kwargs
        # Copies, as a module may write into what flows in, and a leaf cannot be written into.
        flowed_in.append(cut.entry.read(args, kwargs).detach().clone())
        return cut.entry.replaced(args, kwargs, leaf.clone())

    handle = network.get_submodule(cut.name).register_forward_pre_hook(enter, with_kwargs=True)
    try:
        whole = _run(network, inputs, leaf)
    finally:
        handle.remove()
    others = {name: value for name, value in inputs.items() if not value.is_floating_point()}
    with replaying(network, cut):
        replayed = _run(network, {"activation": leaf.clone(), **others}, leaf)
    return Differences(
        activation=_difference(flowed_in, [activation]),
        values=_difference(whole.values, replayed.values),
        gradients=_difference(whole.gradients, replayed.gradients, _ROUNDING),
    )


def _run(network: nn.Module, inputs: Inputs, leaf: Tensor) -> _Outcome:
    """One forward pass, and a backward pass where gradients are on, from a fixed seed."""
    with untouched(network):
        torch.manual_seed(0)
        outputs = _floating(tree_leaves(network(**inputs)))
        gradients = _gradients(outputs, [leaf, *network.parameters()]) if torch.is_grad_enabled() else []
        buffers = [buffer.clone() for buffer in _floating(network.buffers())]
    return _Outcome([output.detach() for output in outputs] + buffers, gradients)


def _gradients(outputs: Sequence[Tensor], sources: Sequence[Tensor]) -> Sequence[Tensor]:
    """Of a random weighting of the outputs."""
    asked = [source for source in sources if source.requires_grad]
    weights = [torch.randn_like(output) for output in outputs]
    return torch.autograd.grad(outputs, asked, weights, materialize_grads=True)


def _floating(values: Iterable[Any]) -> list[Tensor]:
    return [value for value in values if isinstance(value, Tensor) and value.is_floating_point()]


@torch.no_grad()
def _difference(whole: Sequence[Tensor], cut: Sequence[Tensor], rounding: float = 0.0) -> float:
    """The largest difference within a tensor, relative to its own size, or to that share of all sizes."""
    sizes = [float(one.abs().max()) if one.numel() else 0.0 for one in whole]
    least = rounding * max(sizes, default=0.0)
    shares = [
        float((one - other).abs().max()) / (max(size, least) or 1.0)
        for one, other, size in zip(whole, cut, sizes, strict=True)
        if not torch.equal(one, other)
    ]
    return max((math.inf if math.isnan(share) else share for share in shares), default=0.0)
