"""The end of a run: what it takes, for which a time limit leaves room, and what it tries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from headstart.contracts import Batch
from headstart.steps.feeds import evaluation_batches, lowest_cut
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
# The test set is computed with the model as it was saved, and times vary.
MARGIN = 1.5


def fixed_seconds(job: Job) -> float:
    """Of what follows training, those that hardly depend on the data."""
    size = sum(parameter.nbytes for parameter in job.backbone.module.parameters())
    return FIXED + TIMES * size / SPEED


class Ending:
    """Measures validations, and tells the stop how much time to leave for what follows training.

    That is: one validation of what was cut short, one of the trained network and of each that lies
    between it and the probe, the test set, and what does not depend on them.

    Args:
        job: says how many examples there are.
        judge: of validation data.
        stop: knows the time limit.
    """

    def __init__(self, job: Job, judge: Validator, stop: Stop) -> None:
        self._job, self._judge, self._stop = job, judge, stop
        val, test = (len(job.prepared.part(name)) for name in ("val", "test"))
        self._test = MARGIN * test / max(val, 1)
        self._validations = 2 + (len(SHARES) if job.plan.interpolate else 0)
        self._fixed = fixed_seconds(job)
        self._validation = 0.0

    def measure(self, network: nn.Module, tell: Notify) -> None:
        """How long a validation takes, before any training."""
        place_network(network, self._job.plan)
        network.eval()
        with evaluation_batches(self._job, network, lowest_cut(self._job), "val", tell) as batches:
            self.validate(network, batches)

    def validate(self, network: nn.Module, batches: Iterable[Batch]) -> Validation:
        """What the judge finds; how long that took says how long the rest will take."""
        began = time.monotonic()
        found = self._judge.validate(network, batches)
        self._validation = time.monotonic() - began
        self._stop.leave(self._needed(self._validations))
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

    def _needed(self, validations: int) -> float:
        """Seconds for so many more validations and what follows them."""
        return self._fixed + (validations + self._test) * self._validation
