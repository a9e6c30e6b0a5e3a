"""The end of a run: what it takes, for which a time limit leaves room, and what it tries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from headstart.contracts import Batch
from headstart.planning.forecast import FORWARD
from headstart.steps.feeds import Entrance, NoEntrance, evaluation_batches, lowest_cut
from headstart.steps.job import Job
from headstart.steps.supply import Notify
from headstart.steps.validate import Validator
from headstart.training.blend import SHARES, Blend
from headstart.training.device import place_network
from headstart.training.feed import Validation
from headstart.training.stopping import Stop

# Seconds for what hardly depends on the data: the model written and read back, scores, the report.
FIXED = 2.5
# Bytes a second in which weights are written, digested and read back; four times they are, at the end.
SPEED, TIMES = 150e6, 4
# Validations without which nothing is gained: of what was cut short, and of the trained network.
LEAST = 2
# The test set is computed with the model as it was saved, and times vary.
MARGIN = 1.5


def fixed_seconds(job: Job) -> float:
    """Of what follows training, those that hardly depend on the data."""
    size = sum(parameter.nbytes for parameter in job.backbone.module.parameters())
    return FIXED + TIMES * size / SPEED


def within(later: int, seconds: float, each: float) -> int:
    """How many networks can follow one.

    Args:
        later: that are planned.
        seconds: that there are.
        each: that a network takes at least, the first one too.
    """
    return max(0, min(later, int(seconds / each) - 1)) if each > 0 else later


class Ending:
    """Measures validations, and tells the stop how much time to leave for what follows training.

    That is: one validation of what was cut short, one of the trained network and of each that lies
    between it and the probe (which are tried in the time that is left over, where there is none for an epoch
    of each phase), as many for each network to come, the test set, and what does not depend on them.

    Args:
        job: says how many examples there are.
        judge: of validation data.
        stop: knows the time limit.
        later: networks that are to be trained after this one.
        seconds: of a validation, as networks before have shown; 0 is to be measured.

    Attributes:
        later: of these, as many as there is time for.
        seconds: of the last validation.
    """

    def __init__(
        self, job: Job, judge: Validator, stop: Stop, *, later: int = 0, seconds: float = 0.0
    ) -> None:
        self._job, self._judge, self._stop = job, judge, stop
        self._train, val, test = (len(job.prepared.part(name)) for name in ("train", "val", "test"))
        self._val = max(val, 1)
        self._test = MARGIN * test / self._val
        self._validations = LEAST + (len(SHARES) if job.plan.interpolate else 0)
        self._fixed = fixed_seconds(job)
        self._kept = 0.0
        self.later, self.seconds = later, seconds

    def begin(self, network: nn.Module, tell: Notify) -> None:
        """Before any training, see how long a validation takes, and what there is time for by that."""
        if not self.seconds and self.has_time:
            place_network(network, self._job.plan)
            network.eval()
            self._kept = _kept_seconds(self._job, network, tell)
            with evaluation_batches(self._job, network, lowest_cut(self._job), "val", tell) as batches:
                self.validate(network, batches)
        left = self._stop.left_in_all - self._needed(0) - self._kept
        each = self._validations * self.seconds + len(self._job.plan.phases) * self._epoch
        self.later = within(self.later, left, each)
        if left < each:
            self._validations = LEAST
        self._leave()

    @property
    def has_time(self) -> bool:
        """Whether what comes before the first step fits into the time, with what follows training."""
        if not self._job.plan.in_time:
            return False
        return self._stop.left_in_all > self._needed(self._validations) + self._kept

    def validate(self, network: nn.Module, batches: Iterable[Batch]) -> Validation:
        """What the judge finds; how long that took says how long the rest will take."""
        began = time.monotonic()
        found = self._judge.validate(network, batches)
        self.seconds = time.monotonic() - began
        self._leave()
        return found

    def tried(self, network: nn.Module, blend: Blend | None, tell: Notify) -> Mapping[float, Sequence[Any]]:
        """Outputs of the trained network, and as time allows of weights between it and where it began.

        What the stop leaves room for after that is the mean of several networks, and the test set.

        Args:
            network: trained; moved by the blend.
            blend: None where there is nothing between.
            tell: is told of the progress.

        Returns:
            Outputs on validation data by the share of the way from where it began.
        """
        with evaluation_batches(self._job, network, lowest_cut(self._job), "val", tell) as batches:
            found = {1.0: self._judge.ask(network, batches).outputs}
            for share in SHARES:
                if blend is None or self._stop.left_in_all < self._needed(1):
                    break
                blend.move(share)
                found[share] = self._judge.ask(network, batches).outputs
        self._stop.leave(self._needed(1))
        return found

    @property
    def _epoch(self) -> float:
        """About the seconds of an epoch with its validation, going by a validation."""
        return self.seconds * (self._train / self._val / FORWARD + 1)

    def _leave(self) -> None:
        self._stop.leave(self._needed((1 + self.later) * self._validations))

    def _needed(self, validations: int) -> float:
        """Seconds for so many more validations and what follows them."""
        return self._fixed + (validations + self._test) * self.seconds


def _kept_seconds(job: Job, network: nn.Module, tell: Notify) -> float:
    """For what the first phase computes once, before its first step, where nothing of it is kept yet.

    Args:
        job: has data and plan.
        network: on the device.
        tell: is told of the progress.
    """
    name, phase = job.plan.stored[0], job.plan.phases[0]
    if not name:
        return 0.0
    try:
        engine = Entrance.of(job, network, name, tell).engine
    except NoEntrance:
        return 0.0
    return engine.seconds_per_example * len(job.prepared.part("train")) * min(job.plan.views, phase.epochs)
