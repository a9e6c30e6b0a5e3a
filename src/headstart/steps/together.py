"""The networks of several folds as one."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from headstart.contracts import Backbone, Example
from headstart.features.probe import Probe
from headstart.steps.feeds import evaluation_batches, lowest_cut
from headstart.steps.job import Job
from headstart.steps.network import Round, Trained, probe_network
from headstart.steps.supply import Notify
from headstart.steps.validate import Validator
from headstart.training.blend import Blend
from headstart.training.freezing import tensors
from headstart.training.soup import Soup


class Together:
    """The networks of all folds as one: their outputs on what each held out, and the mean of their weights.

    Where there is one fold, it is that network.
    """

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self._first: Trained | None = None
        self._soup = Soup()
        self._probes: list[Probe] = []

    def add(self, one: Trained) -> None:
        """Of a network that is not the first, what it says and its share in the mean is kept."""
        self.rounds.append(one.round)
        if self._first is None:
            self._first = one
        else:
            if len(self.rounds) == 2:
                self._soup.add(self._first.network)
            self._soup.add(one.network)
        if one.probe is not None:
            self._probes.append(one.probe)

    @property
    def held(self) -> list[Example]:
        """All that was held out, in the order of the outputs."""
        return [example for one in self.rounds for example in one.held]

    @property
    def probed(self) -> list[Any]:
        """What the probes say, each of what it has not seen."""
        return [output for one in self.rounds for output in one.probed or ()]

    @property
    def tried(self) -> dict[float, list[Any]]:
        """What the networks say, likewise, by the share of the way; those shares that all have tried."""
        shares = [share for share in self.rounds[0].tried if all(share in one.tried for one in self.rounds)]
        return {share: [output for one in self.rounds for output in one.tried[share]] for share in shares}

    @property
    def steps(self) -> int:
        """Optimiser steps, over all folds."""
        return sum(one.training.steps for one in self.rounds)

    def at(self, share: float, job: Job, pristine: Backbone, tell: Notify) -> tuple[nn.Module, str]:
        """The one network at a share of the way from the probe to what was trained; how it came about.

        The mean of the weights has learned from every example. That its parts agree enough to be averaged
        shows on the validation split: all but the first have learned from it, so that the mean must not
        have a higher loss there than the first, which has not. Else it is the first.

        Args:
            share: one of those that were tried.
            job: of the first fold.
            pristine: the backbone before training.
            tell: is told of the progress.
        """
        if self._first is None:
            raise ValueError("nothing was trained")
        network, blend = self._first.network, self._first.blend
        if len(self.rounds) > 1:
            own = Soup()
            own.add(network)
            self._soup.pour(network)
            if blend is not None:
                start = probe_network(job, pristine, self._mean_probe(), job.plan.head)
                Blend(network, tensors(start)).move(share)
            judge = Validator(job, self._first.round.held)
            with evaluation_batches(job, network, lowest_cut(job), "val", tell) as batches:
                loss = judge.ask(network, batches).loss
            if loss <= judge.candidate(self._first.round.tried[share]).loss:
                return network, f"; its weights are the mean of {len(self.rounds)} folds' networks"
            own.pour(network)
        if blend is not None:
            blend.move(share)
        return network, "; the first of folds that differ too much for a mean" if len(self.rounds) > 1 else ""

    def _mean_probe(self) -> Probe:
        return Probe(
            np.mean([one.weight for one in self._probes], axis=0),
            np.mean([one.bias for one in self._probes], axis=0),
            self._probes[0].strength,
        )
