"""Find how a network can be cut at a place, if it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from headstart.features.cutting.cut import Cut, Inputs, NoCut, look
from headstart.features.cutting.verify import verify


def probes_of(sample: Inputs) -> tuple[Inputs, Inputs]:
    """Two inputs by which to find a cut: two examples, token ids half as long; and three examples.

    Args:
        sample: inputs of three examples at least.
    """

    def shorter(value: Tensor) -> Tensor:
        texts = value.ndim > 1 and not value.is_floating_point()
        return value[:2, : max(1, value.shape[1] // 2)] if texts else value[:2]

    few = {name: shorter(value) for name, value in sample.items()}
    return few, {name: value[:3] for name, value in sample.items()}


def find_cut(network: nn.Module, name: str, probes: Sequence[Inputs]) -> Cut | NoCut:
    """A cut that computes what the whole network does, or why there is none.

    First all that lies before the cut is skipped. Where the network needs some of that behind the
    cut (rotary angles, position biases, masks), only what costs is: modules that have parameters and give
    something else for each example.

    Args:
        network: in the mode in which it will be trained, what lies before the cut in evaluation
            mode. It is left as it was.
        name: full name of the module into which the activation flows: ``"backbone.layer3.0"``, ``"head"``.
        probes: two small inputs of differing batch size and, for token ids, of lengths in another
            ratio; two examples at least, where BatchNorm trains.
    """
    cut = look(network, name, probes)
    if isinstance(cut, NoCut):
        return cut
    costly = {
        part
        for part in cut.before
        if cut.beside[part].per_example and next(network.get_submodule(part).parameters(), None) is not None
    }
    reasons = []
    for attempt in (cut, replace(cut, skipped=frozenset(costly))):
        reason = verify(network, attempt, probes[1]).reason
        if not reason:
            return attempt
        reasons.append(reason)
    return NoCut(reasons[0])
