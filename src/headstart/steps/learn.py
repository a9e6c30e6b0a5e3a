"""From a job to a network: begun at the probe, trained as planned; the better of it and the probe."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import nn

from headstart.contracts import Backbone, Batch, Head, Observer, Scorer
from headstart.data.batches import EvaluationBatches, TrainBatches
from headstart.errors import NonFiniteLoss, a_few
from headstart.evaluation.calibration import fit_temperature
from headstart.evaluation.intervals import difference
from headstart.evaluation.outputs import compute_outputs
from headstart.features.probe import Probe
from headstart.steps.job import Job, probe
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.device import fixed_batches
from headstart.training.loop import TrainResult, Validation, train
from headstart.training.stopping import stop_on_signals


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
    """

    network: nn.Module
    head: Head
    returned: str
    why: str
    val: Sequence[Any]
    temperature: float
    training: TrainResult | None


def learn(job: Job, *, checkpoints: Path, seconds: float | None, observers: Sequence[Observer]) -> Learned:
    """Train as planned, and return the better of what was trained and the probe.

    Args:
        job: all that is decided.
        checkpoints: folder; training goes on from what is there.
        seconds: after which training stops; None is no limit.
        observers: told of every event.
    """
    judge = _Validator(job)
    considers_probe = job.probe is not None and (job.plan.keep_probe or not job.plan.phases)
    # Training changes the module in place.
    pristine = copy.deepcopy(job.backbone) if job.plan.phases and considers_probe else job.backbone
    training: TrainResult | None = None
    trained: _Candidate | None = None
    if job.plan.phases:
        network = build_network(job)
        training = _train(job, network, judge, checkpoints=checkpoints, seconds=seconds, observers=observers)
        trained = judge.candidate(network)
    if job.probe is not None and considers_probe:
        probed = judge.candidate(probe_network(job, pristine, job.probe))
        if trained is None or not judge.believes(trained, probed):
            temperature = judge.temperature(probed)
            why = judge.why(trained, probed, probed) if trained else "no phase was planned"
            if job.plan.refit:
                refit_probe(job, probed.network)
                why += "; then fitted once more on training and validation data"
            return Learned(probed.network, Head(), "probe", why, probed.outputs, temperature, training)
        why = judge.why(trained, probed, trained)
    else:
        why = "the probe was not to be kept" if job.probe else "the task has no probe"
    if trained is None:
        raise ValueError("a plan without phases needs a task that has a probe")
    temperature = judge.temperature(trained)
    return Learned(trained.network, job.plan.head, "trained", why, trained.outputs, temperature, training)


def build_network(job: Job) -> nn.Module:
    """Backbone and new head; a plain linear head begins at the probe (Kumar et al., 2022)."""
    network = _built(job, job.backbone, job.plan.head)
    if job.probe is not None and not job.plan.head.hidden:
        set_linear(network, job.probe)
    return network


def probe_network(job: Job, backbone: Backbone, fitted: Probe) -> nn.Module:
    """The probe as a network: a linear head on the pretrained backbone."""
    network = _built(job, backbone, Head())
    set_linear(network, fitted)
    return network.to(job.plan.device)


def _built(job: Job, backbone: Backbone, head: Head) -> nn.Module:
    """A network whose new weights are a function of the seed; the process's own is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.plan.seed)
        return job.task.build(backbone, head)


def refit_probe(job: Job, network: nn.Module) -> None:
    """Fit the head once more on training and validation examples, at the regularisation chosen before.

    The scores on validation data stay those of the probe that had not learned from it.
    """
    both = (*job.prepared.part("train"), *job.prepared.part("val"))
    strength = job.probe.strength if job.probe else None
    if again := probe(job.prepared, job.task, both, seed=job.plan.seed, strength=strength):
        set_linear(network, again)


def set_linear(network: nn.Module, fitted: Probe) -> None:
    """Give the one linear layer of a network's head the probe's weights."""
    (linear,) = (layer for layer in network.get_submodule("head").modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(fitted.weight))
        linear.bias.copy_(torch.from_numpy(fitted.bias))


@dataclass(frozen=True)
class _Candidate:
    """A network that may be returned, with its main metric and its loss on validation data."""

    network: nn.Module
    outputs: Sequence[Any]
    metric: float
    loss: float


class _Validator:
    """The validation split, ready to be asked of any network."""

    def __init__(self, job: Job) -> None:
        self._task = job.task
        self._plan = job.plan
        self._sign = -1 if job.plan.metric in job.task.lower_is_better else 1
        self._examples = job.prepared.part("val")
        self._targets = job.targets("val")
        self._groups = job.prepared.groups_of(self._examples)
        self._batches = EvaluationBatches(
            self._examples,
            job.modality().view,
            job.task.collate,
            batch_size=job.plan.evaluation_batch_size,
            threads=job.threads,
        )

    def candidate(self, network: nn.Module) -> _Candidate:
        """A network and what it says."""
        plan = self._plan
        with fixed_batches("predictions", size=plan.evaluation_batch_size, device=plan.device):
            outputs = compute_outputs(self._task, network, self._batches, device=plan.device)
        scorers = self._task.scorers(outputs, self._targets)
        once = np.ones((1, len(self._targets)))
        metric, loss = float(scorers[plan.metric](once)[0]), float(scorers["log_loss"](once)[0])
        if not math.isfinite(loss):
            self._refuse_non_finite(scorers["log_loss"])
        return _Candidate(network, outputs, metric, loss)

    def _refuse_non_finite(self, loss: Scorer) -> NoReturn:
        count = len(self._examples)
        alone = (np.eye(1, count, place) for place in range(count))
        names = [
            example.id
            for example, weights in zip(self._examples, alone, strict=True)
            if not np.isfinite(loss(weights)).all()
        ]
        raise NonFiniteLoss(
            f"Validation: the loss is not finite, for {len(names)} of {count} examples: {a_few(names)}.",
            "Look at these examples, or lower the learning rate; the last checkpoint is intact.",
        )

    def believes(self, trained: _Candidate, probed: _Candidate) -> bool:
        """Whether the trained network is the better one, and not by the luck of its best epoch.

        It must not score worse. Where the loss does not say that it is better too, its lead must be
        more than the standard error of the difference on these examples.
        """
        lead = self._lead(trained, probed)
        if lead < 0 or trained.loss < probed.loss:
            return lead >= 0
        scorers = [
            self._task.scorers(candidate.outputs, self._targets)[self._plan.metric]
            for candidate in (trained, probed)
        ]
        _, error = difference(*scorers, groups=self._groups)
        return lead > error

    def why(self, trained: _Candidate, probed: _Candidate, returned: _Candidate) -> str:
        """Both on validation data, and what decided where the metric did not."""
        metric, lead = self._plan.metric, self._lead(trained, probed)
        text = f"{metric} {trained.metric:.4f} trained and {probed.metric:.4f} probe on validation data"
        if lead > 0 and returned is probed:
            return f"{text}, a lead within the error of so few examples, at no lower loss"
        return f"{text}, loss {trained.loss:.4f} and {probed.loss:.4f}" if lead == 0 else text

    def _lead(self, one: _Candidate, other: _Candidate) -> float:
        """By how much the main metric of one is better than that of another."""
        return self._sign * (one.metric - other.metric)

    def temperature(self, candidate: _Candidate) -> float:
        """That calibrates the network's probabilities."""
        return fit_temperature(self._task, candidate.outputs, self._targets)

    def __call__(self, network: nn.Module) -> Validation:
        """As the loop asks it."""
        candidate = self.candidate(network)
        return Validation(metric=candidate.metric, loss=candidate.loss)


def _train(
    job: Job,
    network: nn.Module,
    validate: _Validator,
    *,
    checkpoints: Path,
    seconds: float | None,
    observers: Sequence[Observer],
) -> TrainResult:
    batches = TrainBatches(
        job.prepared.part("train"),
        job.modality(augmented=True).view,
        job.task.collate,
        batch_size=job.plan.batch_size,
        seed=job.plan.seed,
        threads=job.threads,
    )
    with stop_on_signals(seconds) as stop:
        return train(
            network=network,
            phases=job.plan.phases,
            boundaries=job.backbone.boundaries,
            task=job.task,
            plan=job.plan,
            batches=batches,
            validate=validate,
            train_metric=_train_metric(job),
            checkpoints=CheckpointFolder(checkpoints),
            stop=stop,
            observers=observers,
        )


def _train_metric(job: Job) -> Callable[[Any, Batch], float]:
    def metric(outputs: Any, batch: Batch) -> float:
        scorers = job.task.scorers(outputs, batch.targets)
        return float(scorers[job.plan.metric](np.ones((1, len(batch))))[0])

    return metric
