"""What a fit will take, by a few steps of each of its phases."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from headstart.contracts import Phase
from headstart.data.placing import placed
from headstart.features.cutting.cut import NoCut
from headstart.planning.facts import PhaseFacts
from headstart.planning.forecast import FORWARD, Forecast, forecast, resident
from headstart.planning.storing import cut_of
from headstart.steps.cuts import cut_at, plain_network
from headstart.steps.ending import LEAST, MARGIN, fixed_seconds
from headstart.steps.examine import GOLDEN
from headstart.steps.job import Job
from headstart.steps.layers import Layers
from headstart.steps.speed import training_batch
from headstart.training.blend import SHARES
from headstart.training.device import place_batch
from headstart.training.machine import peak_memory
from headstart.training.measure import measure_steps

# Examples of a batch by which time is measured; memory takes a whole one.
FEW = 4
# Others may take so many times less: they are shorter, or a large batch of them is computed faster.
FAR = 3


def foresee(job: Job, spent: float, limit: float | None) -> Forecast:
    """Measure a few steps of a job, and say what all of it will take.

    The network that is measured is a copy. Where the time limit is too short for any training, no step is
    measured.

    Args:
        job: as planned.
        spent: seconds since the request.
        limit: seconds in all; None is no limit.
    """
    began, plan, before = time.monotonic(), job.plan, peak_memory()
    train, val, test = (len(job.prepared.part(name)) for name in ("train", "val", "test"))
    each = _forward_seconds(job)
    closing = fixed_seconds(job) + _testing_seconds(job, each)
    deepest = max(plan.phases, key=lambda phase: len(phase.rates), default=None)
    late = limit is not None and spent + time.monotonic() - began + closing >= limit
    if late or not plan.in_time:
        deepest = None
    facts = [
        PhaseFacts(0.0, 0.0)
        if deepest is None
        else _phase_facts(job, phase, name, size=plan.batch_size if phase is deepest else FEW)
        for phase, name in zip(plan.phases, plan.stored, strict=True)
    ]
    if deepest is not None:
        _take_longest(job, deepest)
    forward = FORWARD * max((one.step for one in facts), default=0.0)
    validations = 1 + len(SHARES) * plan.interpolate
    return forecast(
        plan,
        facts,
        train=train,
        val=val,
        spent=spent + time.monotonic() - began,
        closing=closing,
        # Of the test set the rest: `closing` has those that go through the network in any case.
        ending=forward * (plan.folds * validations * val + MARGIN * (test - _through(job))),
        memory=_memory(job, deepest, before),
        limit=limit,
    )


def step_fits(job: Job, seconds: float) -> bool:
    """Whether a step of training may fit into so many seconds, with what follows it.

    A few examples tell only what is far from it. Of what is near, a validation tells before the first step.
    """
    each = _forward_seconds(job) / FAR
    return fixed_seconds(job) + _testing_seconds(job, each) + _judging_seconds(job, each) < seconds


def _testing_seconds(job: Job, each: float) -> float:
    """Of those examples of the test set that go through the network, whether or not anything is trained.

    Args:
        job: as planned.
        each: seconds of an example that goes through the whole network.
    """
    return MARGIN * _through(job) * each


def _judging_seconds(job: Job, each: float) -> float:
    """Of the validations, and the rest of the test set, without which nothing is gained by training.

    Where every phase leaves some layers as they are, what is kept of these may make it a matter of moments.
    """
    boundaries = [boundary.name for boundary in job.backbone.boundaries]
    if all(cut_of(phase, boundaries) for phase in job.plan.phases):
        return 0.0
    val, test = (len(job.prepared.part(name)) for name in ("val", "test"))
    # The first one tells how long the others will take.
    return each * ((1 + LEAST) * val + MARGIN * (test - _through(job)))


def _through(job: Job) -> int:
    """Examples of the test set that go through the whole network, even where nothing is trained.

    What is kept of the probe's features need not be computed again, but for a few.
    """
    test = len(job.prepared.part("test"))
    return min(test, GOLDEN) if job.supply.cache and job.task.probed else test


def _network(job: Job) -> nn.Module:
    """As training begins with it, on its device."""
    return plain_network(job.task, job.backbone, job.plan.head, job.plan.seed).to(job.plan.device)


def _forward_seconds(job: Job) -> float:
    """Of an example that goes through the whole network, without its gradient."""
    network = _network(job).eval()
    batch = place_batch(training_batch(job.prepared, job.task, FEW), job.plan)
    return _seconds(lambda: job.task.loss(network, batch, job.plan.objective)[0].total) / len(batch)


def _phase_facts(job: Job, phase: Phase, entered: str, *, size: int) -> PhaseFacts:
    """Seconds of an example in a phase that is entered at a boundary, or the head; "" computes everything.

    Args:
        size: of the batch that is measured.
    """
    plan = job.plan
    network = _network(job)
    batch = training_batch(job.prepared, job.task, size)
    own = replace(plan, micro_batch=min(plan.micro_batch, size))
    (measured,) = measure_steps(
        network, phase, job.backbone.boundaries, task=job.task, plan=own, batch=batch, batches=0, vary=()
    )
    if not entered:
        return PhaseFacts(measured.seconds, 0.0)
    train = job.prepared.part("train")
    cut = cut_at(job.supply, network, entered, train, plan.batch_norm)
    if isinstance(cut, NoCut):
        return PhaseFacts(measured.seconds, 0.0)
    layers = Layers.before(cut, network, job.backbone)
    engine = job.supply.engine(layers, train, count=len(train), only=plan.engines.get(entered))
    inputs = placed(batch.inputs, plan.device)
    rest = measured.seconds - _seconds(lambda: layers.module(**inputs)) / len(batch)
    return PhaseFacts(max(rest, 0.0), engine.seconds_per_example)


def _seconds(forward: Callable[[], Tensor]) -> float:
    """Of a forward pass."""
    times = []
    with torch.no_grad():
        for _ in range(2):
            began = time.perf_counter()
            forward().sum().item()
            times.append(time.perf_counter() - began)
    return min(times)


def _take_longest(job: Job, phase: Phase) -> None:
    """A step of the longest inputs, where lengths vary: training puts these together."""
    train = job.prepared.part("train")
    lengths = job.supply.lengths(train)
    if lengths is None:
        return
    order = sorted(range(len(train)), key=lengths.__getitem__, reverse=True)
    longest, view = [train[place] for place in order[: job.plan.batch_size]], job.supply.view()
    measure_steps(
        _network(job),
        phase,
        job.backbone.boundaries,
        task=job.task,
        plan=job.plan,
        batch=job.task.collate(longest, [view(example, 0) for example in longest]),
        batches=0,
        vary=(),
    )


def _memory(job: Job, deepest: Phase | None, before: int) -> int:
    """Of the process in the end: what it had at most in a step, and what is kept of weights beside that.

    Args:
        job: as planned.
        deepest: the phase that was measured; None where none was.
        before: bytes, at the most, before that.
    """
    if deepest is None:
        return peak_memory()
    named = dict(job.backbone.module.named_parameters())
    return resident(
        before=before,
        peak=peak_memory(),
        trained=sum(
            named[name].nbytes
            for boundary in job.backbone.boundaries
            if boundary.name in deepest.rates
            for name in boundary.parameters
        ),
        whole=sum(parameter.nbytes for parameter in named.values()),
        folds=job.plan.folds > 1,
    )
