"""Held-out data: what candidates are worth on it, and which of two is the better one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any, NoReturn

import numpy as np
from torch import nn

from headstart.contracts import Batch, Example, Scorer
from headstart.errors import NonFiniteLoss, a_few
from headstart.evaluation.calibration import fit_temperature, tempered
from headstart.evaluation.intervals import difference
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.evaluation.report.words import metric_name, number, way
from headstart.steps.job import Job
from headstart.training.device import fixed_batches
from headstart.training.feed import Validation


@dataclass(frozen=True)
class Candidate:
    """What may be returned: outputs, main metric and loss on validation data."""

    outputs: Sequence[Any]
    metric: float
    loss: float


@dataclass(frozen=True)
class Calibrated(Candidate):
    """A candidate with the temperature that calibrates its probabilities, and the loss of these.

    A network that is sure of itself beyond measure may tell the labels apart all the same. Its weights are
    at a share of the way from where training began (0) to where it ended (1).
    """

    temperature: float
    calibrated_loss: float
    share: float


class Validator:
    """Held-out examples, ready to judge.

    Args:
        job: has the task and the plan.
        examples: of its data.
    """

    def __init__(self, job: Job, examples: Sequence[Example]) -> None:
        self._task = job.task
        self._plan = job.plan
        self._metric = job.task.watched
        self._sign = -1 if self._metric in job.task.lower_is_better else 1
        self._examples = examples
        self._targets = [job.task.encode(example) for example in examples]
        self._groups = job.prepared.groups_of(self._examples)
        folds = len(examples) > len(job.prepared.part("val"))
        self._where = f"on {len(examples)} examples held out in turns" if folds else "on validation data"

    def ask(self, network: nn.Module, batches: Iterable[Batch]) -> Candidate:
        """A network as a candidate; the batches are of these examples, as the network takes them."""
        plan = self._plan
        with fixed_batches("predictions", size=plan.evaluation_batch_size, device=plan.device):
            outputs = compute_outputs(self._task, network, batches, device=plan.device, quick=True)
        return self.candidate(in_order(outputs, self._examples))

    def validate(self, network: nn.Module, batches: Iterable[Batch]) -> Validation:
        """The same, as the training loop asks it."""
        candidate = self.ask(network, batches)
        return Validation(metric=candidate.metric, loss=candidate.loss)

    def candidate(self, outputs: Sequence[Any]) -> Candidate:
        """What gives these outputs.

        Raises:
            NonFiniteLoss: names the examples.
        """
        scorers = self._task.scorers(outputs, self._targets)
        once = np.ones((1, len(self._targets)))
        loss_scorer = scorers[self._task.loss_metric]
        metric, loss = float(scorers[self._metric](once)[0]), float(loss_scorer(once)[0])
        if not math.isfinite(loss):
            self._refuse_non_finite(loss_scorer)
        return Candidate(outputs, metric, loss)

    def calibrated(self, candidate: Candidate, *, share: float = 1.0) -> Calibrated:
        """The same candidate, calibrated on these examples."""
        temperature = self.temperature(candidate)
        outputs = tempered(candidate.outputs, temperature)
        scorer = self._task.scorers(outputs, self._targets)[self._task.loss_metric]
        loss = float(scorer(np.ones((1, len(self._targets))))[0])
        return Calibrated(candidate.outputs, candidate.metric, candidate.loss, temperature, loss, share)

    def ranked(self, candidates: Iterable[Calibrated]) -> Sequence[Calibrated]:
        """By the main metric, best first; ties go by the calibrated loss."""
        return sorted(candidates, key=lambda one: (-self._sign * one.metric, one.calibrated_loss))

    def believes(self, trained: Calibrated, probed: Calibrated, *, averaged: bool = False) -> bool:
        """Whether the trained network is the better one, and not by the luck of its best epoch.

        It must not score worse, and either its lead, less half an example (Yates's correction), or that of
        its loss, of calibrated probabilities as they are delivered, must be more than the standard error of
        the difference on these examples. Where several networks are averaged, a lower loss is enough: these
        examples judge them one by one, and their mean is better.
        """
        lead = self._lead(trained, probed)
        if lead < 0:
            return False
        if averaged and trained.calibrated_loss < probed.calibrated_loss:
            return True
        half = 0.5 / len(self._examples)
        return lead - half > self._error(self._metric, trained.outputs, probed.outputs) or (
            probed.calibrated_loss - trained.calibrated_loss
            > self._error(
                self._task.loss_metric,
                *(tempered(one.outputs, one.temperature) for one in (trained, probed)),
            )
        )

    def why(self, trained: Calibrated, probed: Calibrated, returned: Calibrated) -> str:
        """Both on validation data, and what decided where the metric did not.

        Where no step was trained, the probe's answers stand for those of the network.
        """
        if all(map(is_, trained.outputs, probed.outputs)):
            value = number(probed.metric, self._metric)
            return f"no step was trained; {metric_name(self._metric)} {self._where}: the probe {value}"
        lead = self._lead(trained, probed)
        name = "the trained network"
        if trained.share < 1:
            name = f"weights {way(trained.share)} to {name}"
        of_trained, of_probe = (number(one.metric, self._metric) for one in (trained, probed))
        text = f"{metric_name(self._metric)} {self._where}: {name} {of_trained}, the probe {of_probe}"
        if lead > 0 and returned is probed:
            return f"{text}, a lead within the error of so few examples"
        losses = f"{trained.calibrated_loss:.4f} and {probed.calibrated_loss:.4f}"
        return f"{text}; calibrated loss {losses}" if lead == 0 else text

    def temperature(self, candidate: Candidate) -> float:
        """That calibrates its probabilities."""
        return fit_temperature(self._task, candidate.outputs, self._targets)

    def _error(self, metric: str, *outputs: Sequence[Any]) -> float:
        """Standard error of the difference of a metric between two candidates."""
        first, second = (self._task.scorers(some, self._targets)[metric] for some in outputs)
        return difference(first, second, groups=self._groups)[1]

    def _lead(self, one: Candidate, other: Candidate) -> float:
        """By how much the main metric of one is better than that of another."""
        return self._sign * (one.metric - other.metric)

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
