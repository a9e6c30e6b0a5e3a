"""One network: begun at the probe, trained as planned, and what it is worth on data that was held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.contracts import HEAD, Backbone, Boundary, Event, Example, Head, Notice, Observer
from headstart.features.probe import Probe
from headstart.steps.cuts import plain_network
from headstart.steps.ending import Ending
from headstart.steps.feeds import Feeds
from headstart.steps.job import Job
from headstart.steps.supply import Notify
from headstart.steps.validate import Validator
from headstart.training.adapters import attach, merge
from headstart.training.blend import Blend
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.device import place_network
from headstart.training.feed import Validation
from headstart.training.freezing import tensors
from headstart.training.loop import TrainResult, train
from headstart.training.stopping import TIME_LIMIT, Shared, Stop, StopSource
from headstart.training.tally import TrainMetric


@dataclass(frozen=True)
class Round:
    """How one training went, and what came of it on data that it has not seen.

    Attributes:
        held: the examples that were held out.
        probed: what the probe says of these; None where the task has none.
        tried: what the network says of them, by its share of the way from where it began.
        training: how it went.
    """

    held: Sequence[Example]
    probed: Sequence[Any] | None
    tried: Mapping[float, Sequence[Any]]
    training: TrainResult


@dataclass(frozen=True)
class Trained:
    """A network that was trained as planned.

    Attributes:
        network: with the weights that training chose.
        blend: between these and those that it began with; None where nothing lies between.
        probe: of the same examples; None where the task has none.
        round: how it went.
        seconds: of its last validation; 0 where none was timed.
    """

    network: nn.Module
    blend: Blend | None
    probe: Probe | None
    round: Round
    seconds: float = 0.0


def train_network(
    job: Job,
    pristine: Backbone,
    *,
    checkpoints: Path,
    stop: Stop,
    ask: StopSource,
    observers: Sequence[Observer],
    later: int = 0,
    seconds: float = 0.0,
    further: bool = False,
) -> Trained:
    """Train a network as planned, on from the checkpoint where there is one.

    Where the time limit leaves no time for a step, it is as training would begin with it. It is not asked
    then where the probe says the same, or is returned in its place; nor where its answers do not count.

    Args:
        job: its backbone is changed in place.
        pristine: the backbone as it was; not looked at where the plan does not interpolate.
        checkpoints: folder.
        stop: knows the time limit and the signals.
        ask: why to stop, too.
        observers: told of every event.
        later: networks that are to share the time limit with this one, and come after it.
        seconds: of a validation, as those before have shown; 0 is not known.
        further: whether it follows another network, beside which it counts only where it was trained.
    """
    judge = Validator(job, job.prepared.part("val"))
    probed = None if job.probe is None else job.probe_outputs("val")
    network = plain_network(job.task, job.backbone, job.plan.head, job.plan.seed)
    # Linear probing, then fine-tuning (Kumar et al., 2022).
    begins_at = job.probe if not job.plan.head.hidden else None
    start = None
    if begins_at is not None and probed is not None:
        set_linear(network, begins_at)
        candidate = judge.candidate(probed)
        start = Validation(candidate.metric, candidate.loss)
    # What it says without a step, where that need not be asked.
    untrained: Mapping[float, Sequence[Any]] | None = {} if further else None
    if probed is not None and (start is not None or job.plan.keep_probe):
        untrained = {1.0: probed}
    tell = teller(observers)
    ending = Ending(job, judge, stop, later=later, seconds=seconds)
    if stop.limited:
        ending.begin(network, tell)
        # What was trained before the run was stopped may be worth more.
        if not ending.has_time and not checkpoints.exists():
            tell(Notice(0, "left out", "No training step fits into the time limit."))
            place_network(network, job.plan)
            none = TrainResult(None, (), 0, 0, job.plan.micro_batch, TIME_LIMIT)
            tried = ending.tried(network, None, tell) if untrained is None else untrained
            return Trained(network, None, job.probe, Round(job.prepared.part("val"), probed, tried, none))
    boundaries = _with_adapters(job, network)
    training = train(
        network=network,
        phases=job.plan.phases,
        boundaries=boundaries,
        task=job.task,
        plan=job.plan,
        feed=Feeds(job, network, ending.validate, tell),
        train_metric=_train_metric(job),
        checkpoints=CheckpointFolder(checkpoints),
        stop=lambda: stop() or ask(),
        pace=Shared(stop, ending.later * len(job.plan.phases)),
        start=start,
        observers=observers,
    )
    if boundaries != job.backbone.boundaries:
        merge(network)
    blend = None
    if begins_at is not None and job.plan.interpolate and training.steps:
        blend = Blend(network, tensors(probe_network(job, pristine, begins_at, job.plan.head)))
    if stop.signal:
        tried = {}
    elif training.steps or untrained is None:
        tried = ending.tried(network, blend, tell)
    else:
        tried = untrained
    if blend is not None:
        blend.move(1.0)
    done = Round(job.prepared.part("val"), probed, tried, training)
    return Trained(network, blend, job.probe, done, ending.seconds)


def probe_network(job: Job, backbone: Backbone, fitted: Probe, head: Head) -> nn.Module:
    """A pretrained backbone, and a head of one linear layer that is this probe."""
    network = plain_network(job.task, backbone, head, job.plan.seed).to(job.plan.device)
    set_linear(network, fitted)
    return network


def set_linear(network: nn.Module, fitted: Probe) -> None:
    """Give the one linear layer of a network's head the probe's weights."""
    (linear,) = (layer for layer in network.get_submodule(HEAD).modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(fitted.weight))
        if linear.bias is not None:
            linear.bias.copy_(torch.from_numpy(fitted.bias))


def teller(observers: Sequence[Observer]) -> Notify:
    """Tells all of them."""

    def tell(event: Event) -> None:
        for observer in observers:
            observer.notify(event)

    return tell


def _with_adapters(job: Job, network: nn.Module) -> tuple[Boundary, ...]:
    """The boundaries to be trained; those that the plan trains by adapters have them now."""
    boundaries = job.backbone.boundaries
    adapters = next((phase.adapters for phase in job.plan.phases if phase.adapters), None)
    if adapters is None:
        return boundaries
    names = {name for phase in job.plan.phases for name in phase.rates} - {HEAD}
    return attach(network, boundaries, names, adapters, seed=job.plan.seed)


def _train_metric(job: Job) -> TrainMetric:
    def metric(outputs: Any, targets: Any) -> float:
        scorers = job.task.scorers(outputs, targets)
        return float(scorers[job.task.watched](np.ones((1, len(targets))))[0])

    return metric
