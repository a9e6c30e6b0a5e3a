"""Where a network may be entered with kept activations, and what that would cost and save."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from headstart.contracts import HEAD, Backbone, Example, Head, Task
from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.cutting.find import find_cut, probes_of
from headstart.planning.facts import CutFacts
from headstart.steps.layers import Layers
from headstart.steps.supply import Supply
from headstart.training.freezing import BACKBONE, set_training_mode

# A second, in training: of a few cores of a processor, and of an accelerator.
OPERATIONS = {"cpu": 3e10, "mps": 1e12, "cuda": 1e13}


def plain_network(task: Task, backbone: Backbone, head: Head, seed: int) -> nn.Module:
    """Backbone and new head, whose weights are a function of the seed; the process's own is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return task.build(backbone, head)


def cut_at(
    supply: Supply, network: nn.Module, name: str, examples: Sequence[Example], batch_norm: str
) -> Cut | NoCut:
    """A network's cut at a boundary or the head, tried out once in the mode in which the rest is trained.

    Args:
        supply: remembers it.
        network: on the device; put in that mode where it is tried out.
        name: of the boundary, or "head".
        examples: to try on, at least three.
        batch_norm: what BatchNorm layers do that are trained.
    """
    if name not in supply.cuts:
        boundaries = supply.backbone.boundaries
        names = [boundary.name for boundary in boundaries]
        trained = [] if name == HEAD else names[names.index(name) :]
        set_training_mode(network, boundaries, (*trained, HEAD), batch_norm)
        full_name = name if name == HEAD else BACKBONE + name
        supply.cuts[name] = find_cut(network, full_name, probes_of(supply.sample(examples)))
    return supply.cuts[name]


def measure(
    supply: Supply,
    names: Collection[str],
    examples: Sequence[Example],
    *,
    count: int,
    batch_norm: str,
    engine: str | None,
    head: Head,
) -> dict[str, CutFacts]:
    """What the rules may know of cuts: whether they are exact, what they cost, and the engine.

    Args:
        supply: of batches and engines.
        names: of boundaries, or "head".
        examples: to try on.
        count: of views that the layers before a cut are to be run on.
        batch_norm: what BatchNorm layers do that are trained.
        engine: that was asked for.
        head: of the network.
    """
    if supply.task.unkept:
        return dict.fromkeys(names, CutFacts(problem=supply.task.unkept))
    backbone = supply.backbone
    network = plain_network(supply.task, backbone, head, supply.seed).to(supply.machine.device)
    sample = supply.sample(examples)
    found = {}
    for name in names:
        cut = cut_at(supply, network, name, examples, batch_norm)
        if isinstance(cut, NoCut):
            found[name] = CutFacts(problem=cut.reason)
            continue
        layers = Layers.before(cut, network, backbone)
        choice = supply.engine(layers, examples, count=count, only=engine)
        size, operations = _costs(layers, sample)
        found[name] = CutFacts(
            bytes=size * np.dtype(choice.stored).itemsize,
            seconds=operations / OPERATIONS[torch.device(supply.machine.device).type],
            engine=choice.name,
            engine_reason=choice.reason,
        )
    return found


def _costs(layers: Layers, sample: Mapping[str, Tensor]) -> tuple[int, float]:
    """Of one example: the numbers that its activation has, and the operations that it takes.

    Operations are counted, not timed: the same request is to give the same plan.
    """
    # It brings torch's compiler, which no service needs to have in memory.
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        activation = layers.module(**sample)
    return activation[0].numel(), counter.get_total_flops() / len(activation)
