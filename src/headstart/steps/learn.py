"""From a job to a network: begun at the probe, trained as planned; the best of both and what is between."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.contracts import HEAD, Backbone, Boundary, Event, Head, Observer
from headstart.features.probe import Probe
from headstart.steps.cuts import plain_network
from headstart.steps.ending import Ending
from headstart.steps.feeds import Feeds, lowest_cut
from headstart.steps.job import Job, probe
from headstart.steps.supply import Notify
from headstart.steps.validate import Calibrated, Validator
from headstart.training.adapters import attach, merge
from headstart.training.blend import Blend
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.feed import Validation
from headstart.training.freezing import tensors
from headstart.training.loop import TrainResult, train
from headstart.training.stopping import StopSource, never, stop_on_signals
from headstart.training.tally import TrainMetric


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes:
        network: the best of the trained network, the probe, and what is between them.
        head: how its head is built.
        returned: "trained", "between" or "probe".
        why: it is returned, as a clause.
        tried: what was considered beside the probe, best first; none where nothing was trained.
        val: its outputs on validation data, before the temperature and before any refit.
        temperature: by which its logits are to be divided.
        training: None where no phase was planned.
        cut: the boundary at which kept activations may enter it; "" where it must be computed whole.
    """

    network: nn.Module
    head: Head
    returned: str
    why: str
    tried: Sequence[Calibrated]
    val: Sequence[Any]
    temperature: float
    training: TrainResult | None
    cut: str


def learn(
    job: Job,
    *,
    checkpoints: Path,
    seconds: float | None,
    observers: Sequence[Observer],
    ask: StopSource = never,
) -> Learned:
    """Train as planned, and return the best of what was trained, the probe, and weights between the two.

    Args:
        job: all that is decided.
        checkpoints: folder; training goes on from what is there.
        seconds: after which training stops; None is no limit.
        observers: told of every event.
        ask: why to stop before the time is over, where somebody else decides that.
    """
    if not job.plan.phases:
        return _probe_alone(job)
    # Training changes the module in place.
    goes_back = job.probe is not None and (job.plan.keep_probe or job.plan.interpolate)
    pristine = copy.deepcopy(job.backbone) if goes_back else job.backbone
    judge = Validator(job)
    probed = None if job.probe is None else judge.calibrated(judge.candidate(job.probe_outputs("val")))
    network = plain_network(job.task, job.backbone, job.plan.head, job.plan.seed)
    # Linear probing, then fine-tuning (Kumar et al., 2022).
    begins_at = probed if not job.plan.head.hidden else None
    if job.probe is not None and begins_at is not None:
        set_linear(network, job.probe)
    tell = _teller(observers)
    with stop_on_signals(seconds) as stop:
        ending = Ending(job, judge, stop)
        if seconds is not None:
            ending.measure(network, tell)
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
            pace=stop,
            start=None if begins_at is None else Validation(begins_at.metric, begins_at.loss),
            observers=observers,
        )
    if boundaries != job.backbone.boundaries:
        merge(network)
    blend = None
    if job.probe is not None and begins_at is not None and job.plan.interpolate and training.steps:
        blend = Blend(network, tensors(_probe_network(job, pristine, job.probe, job.plan.head)))
    tried = ending.tried(network, blend, tell)
    best = tried[0]
    # Without a step it is the probe, but for rounding.
    beaten = probed is not None and (not training.steps or not judge.believes(best, probed))
    if probed is not None and beaten and job.plan.keep_probe:
        network, refitted = refitted_probe(job, pristine)
        why = judge.why(best, probed, probed) + refitted
        return _probe(job, network, why, probed, tried=tried, training=training)
    if blend is not None:
        blend.move(best.share)
    return Learned(
        network,
        job.plan.head,
        "trained" if best.share == 1 else "between",
        _why_trained(job, judge, best, probed),
        tried,
        best.outputs,
        best.temperature,
        training,
        lowest_cut(job),
    )


def _why_trained(job: Job, judge: Validator, best: Calibrated, probed: Calibrated | None) -> str:
    if probed is None:
        return "the task has no probe"
    return judge.why(best, probed, best) if job.plan.keep_probe else "the probe was not to be kept"


def _probe_alone(job: Job) -> Learned:
    judge = Validator(job)
    probed = judge.calibrated(judge.candidate(job.probe_outputs("val")))
    network, refitted = refitted_probe(job, job.backbone)
    return _probe(job, network, "no phase was planned" + refitted, probed)


def _probe(
    job: Job,
    network: nn.Module,
    why: str,
    probed: Calibrated,
    *,
    tried: Sequence[Calibrated] = (),
    training: TrainResult | None = None,
) -> Learned:
    """The probe is what is returned."""
    return Learned(
        network, Head(), "probe", why, tried, probed.outputs, probed.temperature, training, head_cut(job)
    )


def head_cut(job: Job) -> str:
    """The head, where features are kept; "" where they are not."""
    return HEAD if job.supply.cache else ""


def refitted_probe(job: Job, backbone: Backbone) -> tuple[nn.Module, str]:
    """The probe as a network: a linear head on the pretrained backbone; how it was refitted, as a clause.

    It is fitted once more on training and validation examples, at the regularisation chosen before,
    where the plan says so. The scores on validation data stay those of the probe that had not
    learned from it.
    """
    fitted, clause = job.probe, ""
    if fitted is None:
        raise ValueError("a plan without phases needs a task that has a probe")
    if job.plan.refit:
        both = (*job.prepared.part("train"), *job.prepared.part("val"))
        fitted = probe(job.prepared, job.task, both, seed=job.plan.seed, strength=fitted.strength) or fitted
        clause = "; then fitted once more on training and validation data"
    return _probe_network(job, backbone, fitted, Head()), clause


def _probe_network(job: Job, backbone: Backbone, fitted: Probe, head: Head) -> nn.Module:
    """The pretrained backbone, and a head of one linear layer that is this probe."""
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


def _with_adapters(job: Job, network: nn.Module) -> tuple[Boundary, ...]:
    """The boundaries to be trained; those that the plan trains by adapters have them now."""
    boundaries = job.backbone.boundaries
    adapters = next((phase.adapters for phase in job.plan.phases if phase.adapters), None)
    if adapters is None:
        return boundaries
    names = {name for phase in job.plan.phases for name in phase.rates} - {HEAD}
    return attach(network, boundaries, names, adapters, seed=job.plan.seed)


def _teller(observers: Sequence[Observer]) -> Notify:
    def tell(event: Event) -> None:
        for observer in observers:
            observer.notify(event)

    return tell


def _train_metric(job: Job) -> TrainMetric:
    def metric(outputs: Any, targets: Any) -> float:
        scorers = job.task.scorers(outputs, targets)
        return float(scorers[job.task.watched](np.ones((1, len(targets))))[0])

    return metric
