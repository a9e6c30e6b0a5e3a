"""What a fit will take, by a few steps of each of its phases."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from headstart.contracts import Phase
from headstart.data.placing import placed
from headstart.features.cutting.cut import NoCut
from headstart.planning.facts import PhaseFacts
from headstart.planning.forecast import FORWARD, Forecast, forecast
from headstart.steps.cuts import cut_at, plain_network
from headstart.steps.ending import MARGIN, fixed_seconds
from headstart.steps.job import Job
from headstart.steps.layers import Layers
from headstart.steps.speed import training_batch
from headstart.training.blend import SHARES
from headstart.training.machine import peak_memory
from headstart.training.measure import measure_steps

# Examples of a batch by which time is measured; memory takes a whole one.
FEW = 4
# Of the weights that are trained: two moments and the best ones, beside gradients, which a step has.
TRAINED = 3
# Of all weights: as they were before training; and of folds a network, their mean, and both ends of a line.
WHOLE, OF_FOLDS = 1, 4


def foresee(job: Job, spent: float, limit: float | None) -> Forecast:
    """Measure a few steps of a job, and say what all of it will take.

    The network that is measured is a copy.

    Args:
        job: as planned.
        spent: seconds since the request.
        limit: seconds in all; None is no limit.
    """
    began, plan = time.monotonic(), job.plan
    deepest = max(plan.phases, key=lambda phase: len(phase.rates), default=None)
    facts = [
        _phase_facts(job, phase, name, size=plan.batch_size if phase is deepest else FEW)
        for phase, name in zip(plan.phases, plan.stored, strict=True)
    ]
    train, val, test = (len(job.prepared.part(name)) for name in ("train", "val", "test"))
    forward = FORWARD * max((one.step for one in facts), default=0.0)
    validations = 1 + len(SHARES) * plan.interpolate
    return forecast(
        plan,
        facts,
        train=train,
        val=val,
        spent=spent + time.monotonic() - began,
        ending=fixed_seconds(job) + forward * (plan.folds * validations * val + MARGIN * test),
        memory=_memory(job, deepest),
        limit=limit,
    )


def _phase_facts(job: Job, phase: Phase, entered: str, *, size: int) -> PhaseFacts:
    """Seconds of an example in a phase that is entered at a boundary, or the head; "" computes everything.

    Args:
        size: of the batch that is measured.
    """
    plan = job.plan
    network = plain_network(job.task, job.backbone, plan.head, plan.seed).to(plan.device)
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
    rest = measured.seconds - _seconds(layers, placed(batch.inputs, plan.device)) / len(batch)
    return PhaseFacts(max(rest, 0.0), engine.seconds_per_example)


def _seconds(layers: Layers, inputs: Mapping[str, Tensor]) -> float:
    """Of a pass of a batch through layers that are frozen."""
    times = []
    with torch.no_grad():
        for _ in range(2):
            began = time.perf_counter()
            layers.module(**inputs).sum().item()
            times.append(time.perf_counter() - began)
    return min(times)


def _memory(job: Job, deepest: Phase | None) -> int:
    """Of the process in the end: what it had at most in a step, and what is kept of weights beside that."""
    if deepest is None:
        return peak_memory()
    named = dict(job.backbone.module.named_parameters())
    whole = sum(parameter.nbytes for parameter in named.values())
    trained = sum(
        named[name].nbytes
        for boundary in job.backbone.boundaries
        if boundary.name in deepest.rates
        for name in boundary.parameters
    )
    folds = OF_FOLDS if job.plan.folds > 1 else 0
    return peak_memory() + TRAINED * trained + (WHOLE + folds) * whole
