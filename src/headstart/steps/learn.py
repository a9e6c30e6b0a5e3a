"""From a job to a network: begun at the probe, trained as planned; the better of it and the probe."""

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
from headstart.steps.feeds import Feeds, evaluation_batches
from headstart.steps.job import Job, probe
from headstart.steps.supply import Notify
from headstart.steps.validate import Validator
from headstart.training.adapters import attach, merge
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.loop import TrainResult, train
from headstart.training.stopping import stop_on_signals
from headstart.training.tally import TrainMetric


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes:
        network: the better of the trained network and the probe.
        head: how its head is built.
        returned: "trained" or "probe".
        why: it is returned, as a clause.
        val: its outputs on validation data, before the temperature and before any refit.
        temperature: by which its logits are to be divided.
        training: None where no phase was planned.
        cut: the boundary at which kept activations may enter it; "" where it must be computed whole.
    """

    network: nn.Module
    head: Head
    returned: str
    why: str
    val: Sequence[Any]
    temperature: float
    training: TrainResult | None
    cut: str


def learn(job: Job, *, checkpoints: Path, seconds: float | None, observers: Sequence[Observer]) -> Learned:
    """Train as planned, and return the better of what was trained and the probe.

    Args:
        job: all that is decided.
        checkpoints: folder; training goes on from what is there.
        seconds: after which training stops; None is no limit.
        observers: told of every event.
    """
    if not job.plan.phases:
        return _probe_alone(job)
    considers_probe = job.probe is not None and job.plan.keep_probe
    # Training changes the module in place.
    pristine = copy.deepcopy(job.backbone) if considers_probe else job.backbone
    judge, lowest = Validator(job), lowest_cut(job)
    network = plain_network(job.task, job.backbone, job.plan.head, job.plan.seed)
    if job.probe is not None and not job.plan.head.hidden:
        # Linear probing, then fine-tuning (Kumar et al., 2022).
        set_linear(network, job.probe)
    tell = _teller(observers)
    boundaries = _with_adapters(job, network)
    feeds = Feeds(job, network, judge.validate, tell)
    training = _train(
        job, network, boundaries, feeds, checkpoints=checkpoints, seconds=seconds, observers=observers
    )
    if boundaries != job.backbone.boundaries:
        merge(network)
    with evaluation_batches(job, network, lowest, "val", tell) as batches:
        trained = judge.calibrated(judge.ask(network, batches))
    why = "the probe was not to be kept" if job.probe else "the task has no probe"
    if considers_probe:
        probed = judge.calibrated(judge.candidate(job.probe_outputs("val")))
        # Without a step it is the probe, but for rounding.
        if not training.steps or not judge.believes(trained, probed):
            network, refitted = probe_network(job, pristine)
            return Learned(
                network,
                Head(),
                "probe",
                judge.why(trained, probed, probed) + refitted,
                probed.outputs,
                probed.temperature,
                training,
                head_cut(job),
            )
        why = judge.why(trained, probed, trained)
    return Learned(
        network, job.plan.head, "trained", why, trained.outputs, trained.temperature, training, lowest
    )


def _probe_alone(job: Job) -> Learned:
    judge = Validator(job)
    probed = judge.calibrated(judge.candidate(job.probe_outputs("val")))
    network, refitted = probe_network(job, job.backbone)
    why = "no phase was planned" + refitted
    return Learned(network, Head(), "probe", why, probed.outputs, probed.temperature, None, head_cut(job))


def lowest_cut(job: Job) -> str:
    """The boundary below which no phase trains anything, where all of them enter; "" where there is none."""
    order = [*(boundary.name for boundary in job.backbone.boundaries), HEAD]
    return min(job.plan.stored, key=order.index) if all(job.plan.stored) else ""


def head_cut(job: Job) -> str:
    """The head, where features are kept; "" where they are not."""
    return HEAD if job.supply.cache else ""


def probe_network(job: Job, backbone: Backbone) -> tuple[nn.Module, str]:
    """The probe as a network: a linear head on the pretrained backbone; how it was refitted, as a clause.

    It is fitted once more on training and validation examples, at the regularisation chosen before,
    where the plan says so. The scores on validation data stay those of the probe that had not
    learned from it.
    """
    network = plain_network(job.task, backbone, Head(), job.plan.seed).to(job.plan.device)
    fitted, clause = job.probe, ""
    if fitted is None:
        raise ValueError("a plan without phases needs a task that has a probe")
    if job.plan.refit:
        both = (*job.prepared.part("train"), *job.prepared.part("val"))
        fitted = probe(job.prepared, job.task, both, seed=job.plan.seed, strength=fitted.strength) or fitted
        clause = "; then fitted once more on training and validation data"
    set_linear(network, fitted)
    return network, clause


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


def _train(
    job: Job,
    network: nn.Module,
    boundaries: Sequence[Boundary],
    feeds: Feeds,
    *,
    checkpoints: Path,
    seconds: float | None,
    observers: Sequence[Observer],
) -> TrainResult:
    with stop_on_signals(seconds) as stop:
        return train(
            network=network,
            phases=job.plan.phases,
            boundaries=boundaries,
            task=job.task,
            plan=job.plan,
            feed=feeds,
            train_metric=_train_metric(job),
            checkpoints=CheckpointFolder(checkpoints),
            stop=stop,
            observers=observers,
        )


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
