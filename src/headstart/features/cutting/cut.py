"""A cut: the place in a network where stored activations enter, and what must be known to enter there.

Found by watching forward passes, so no architecture needs code of its own. Whether the network
gives the same from there on is `verify`'s to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from headstart.features.cutting.forms import BATCH, Form, Output, Sizes
from headstart.features.cutting.untouched import untouched

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Entry:
    """The argument by which the activation flows into a module: a position or a keyword."""

    argument: int | str

    @classmethod
    def found(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Entry | None:
        """The first floating tensor among the arguments of a call."""
        arguments: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
        for argument, value in arguments:
            if isinstance(value, Tensor) and value.is_floating_point():
                return cls(argument)
        return None

    def read(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        """The activation of a call."""
        value: Tensor = args[self.argument] if isinstance(self.argument, int) else kwargs[self.argument]
        return value

    def replaced(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], activation: Tensor
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with another activation."""
        if isinstance(self.argument, str):
            return tuple(args), {**kwargs, self.argument: activation}
        return (*args[: self.argument], activation, *args[self.argument + 1 :]), dict(kwargs)


@dataclass(frozen=True)
class Cut:
    """Where a network is cut.

    Attributes:
        name: of the module into which the activation flows, in full: ``"backbone.layer3.0"``, ``"head"``.
        entry: the argument by which it flows in, at that module's first call.
        inputs: the network's floating inputs, which a replay does without. It is handed the others
            (token ids, masks) as they are; a head needs none of them.
        output: of that module.
        beside: outputs of the outermost modules that neither hold that module nor lie in it.
        before: those of them that run before it.
        skipped: those of these that a replay stands in for; the others run.
    """

    name: str
    entry: Entry
    inputs: Mapping[str, Form]
    output: Output
    beside: Mapping[str, Output]
    before: frozenset[str]
    skipped: frozenset[str]


@dataclass(frozen=True)
class NoCut:
    """Why a network cannot be cut at a place, as one clause."""

    reason: str


def look(network: nn.Module, name: str, probes: Sequence[Inputs]) -> Cut | NoCut:
    """What one forward pass on each of two probes, in evaluation mode, tells of a cut.

    Args:
        network: left as it was.
        name: full name of the module into which the activation flows.
        probes: two inputs of differing batch size and, for token ids, of lengths in another ratio.
    """
    seen = _Seen.of(network, probes)
    calls = [calls[name][0] for calls in seen.calls if calls[name]]
    if len(calls) < 2:
        return NoCut(f"'{name}' is never called")
    entry = Entry.found(calls[0].args, calls[0].kwargs)
    if entry is None:
        return NoCut(f"'{name}' is called without a tensor of floating numbers")
    activation = Form.learned([entry.read(call.args, call.kwargs) for call in calls], seen.sizes)
    if activation is None or activation.axes[:1] != (BATCH,):
        return NoCut(f"what flows into '{name}' does not begin with the batch axis")
    output = seen.output(name)
    if output is None:
        return NoCut(f"what '{name}' gives follows neither batch nor length")
    floating = [key for key, value in probes[0].items() if value.is_floating_point()]
    forms = {key: Form.learned([probe[key] for probe in probes], seen.sizes) for key in floating}
    inputs = {key: form for key, form in forms.items() if form is not None}
    if len(inputs) < len(forms):
        return NoCut("an input follows neither batch nor length")
    beside = dict(_beside("", network, name, seen))
    before = frozenset(beside).intersection(takewhile(lambda module: module != name, seen.calls[0]))
    return Cut(name, entry, inputs, output, beside, before, skipped=before)


@dataclass(frozen=True)
class _Call:
    """One call of a module, its tensors without their values."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any


@dataclass(frozen=True)
class _Seen:
    """Two forward passes: every call by the module's name, in the order in which they end; and sizes."""

    calls: Sequence[Mapping[str, Sequence[_Call]]]
    sizes: Sequence[Sizes]

    @classmethod
    def of(cls, network: nn.Module, probes: Sequence[Inputs]) -> Self:
        """Of a network run on two probes."""
        sizes = [Sizes.of(len(next(iter(probe.values()))), probe) for probe in probes]
        if not sizes[0].tell_apart(sizes[1]):
            raise ValueError("Probes must differ in batch size, and token ids in length by another ratio.")
        return cls([_watch(network, probe) for probe in probes], sizes)

    def output(self, name: str) -> Output | None:
        """What a module gives, where that has one form in all its calls."""
        first, second = (calls[name] for calls in self.calls)
        if not first or len(first) != len(second):
            return None
        pairs = zip(first, second, strict=True)
        outputs = [Output.learned([one.output, other.output], self.sizes) for one, other in pairs]
        return outputs[0] if all(output == outputs[0] for output in outputs) else None


def _watch(network: nn.Module, inputs: Inputs) -> dict[str, list[_Call]]:
    calls: dict[str, list[_Call]] = defaultdict(list)

    def note(name: str, _: nn.Module, *call: Any) -> None:
        calls[name].append(_Call(*tree_map_only(Tensor, partial(torch.empty_like, device="meta"), call)))

    handles = [
        module.register_forward_hook(partial(note, name), with_kwargs=True)
        for name, module in network.named_modules()
    ]
    try:
        with untouched(network), torch.no_grad():
            network.eval()(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _beside(path: str, module: nn.Module, name: str, seen: _Seen) -> Iterator[tuple[str, Output]]:
    """The outermost modules that neither hold the named one nor lie in it, and what they give."""
    for child_name, child in module.named_children():
        full = f"{path}.{child_name}" if path else child_name
        if full == name:
            continue
        output = None if name.startswith(f"{full}.") else seen.output(full)
        if output is None:
            yield from _beside(full, child, name, seen)
        else:
            yield full, output
