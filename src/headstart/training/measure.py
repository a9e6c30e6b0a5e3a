"""How long a training step takes, by how it is computed. Trains a copy, and decides nothing."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from torch import nn

from headstart.contracts import Batch, Boundary, Phase, Task
from headstart.planning.facts import StepFacts
from headstart.planning.plan import Plan
from headstart.planning.speed import SHARE, STEPS, WAYS, fastest
from headstart.training.device import place_network
from headstart.training.freezing import flat, freeze, normalises_over_batch
from headstart.training.gradients import window_gradients

# A batch is tried in so many: the activations of a few examples may stay in a CPU's caches.
PIECES = 4
# A way whose step takes so many times the best one's is not taken again.
HOPELESS = 3


def measure_steps(
    network: nn.Module,
    phase: Phase,
    boundaries: Sequence[Boundary],
    *,
    task: Task,
    plan: Plan,
    batch: Batch,
    batches: float,
    vary: Collection[str] = WAYS,
    seconds: float = math.inf,
) -> tuple[StepFacts, ...]:
    """The plan's own way, then its neighbours: one decision is varied at a time, the best kept.

    The network, its buffers and the random numbers of the process stay as they are. Examples are
    cut into smaller pieces only where no layer normalises over them. No other way is tried where
    measuring would take more than its share of the training. Where one seems faster, the plan's
    own has another try.

    Args:
        network: with `.backbone` and `.head`.
        phase: whose layers are trained.
        boundaries: of the backbone.
        task: gives the loss.
        plan: in which nothing else is varied.
        batch: as the plan's batches of training data are.
        batches: that are to be trained on.
        vary: which of "precision", "channels_last" and "micro_batch" may be varied.
        seconds: that training may take.
    """
    begun = time.monotonic()
    trained = copy.deepcopy(network)
    parameters = flat(freeze(trained, boundaries, phase.rates, plan.batch_norm)).values()
    tried: list[StepFacts] = []

    def measured(way: Plan) -> StepFacts:
        place_network(trained, way)
        hopeless = HOPELESS * fastest(tried).seconds if tried else math.inf
        times: list[float] = []
        micro_batch = way.micro_batch
        while len(times) < STEPS and hopeless > min(times, default=0):
            before = time.perf_counter()
            gradients = window_gradients(
                trained,
                [batch],
                parameters=parameters,
                task=task,
                plan=way,
                step=0,
                micro_batch=micro_batch,
            )
            float(gradients.loss)  # An accelerator is done when this is known.
            times.append((time.perf_counter() - before) / len(batch))
            micro_batch = gradients.micro_batch
        return StepFacts(way.precision, way.channels_last, micro_batch, min(times))

    tried.append(measured(plan))
    step = tried[0].seconds * len(batch)
    until = begun + SHARE * min(batches * step, seconds) - STEPS * step
    for name in vary:
        if name == "micro_batch" and normalises_over_batch(trained):
            continue
        best = fastest(tried)
        known = {way: getattr(best, way) for way in WAYS}
        for other in _others(name, best, batch):
            if time.monotonic() < until:
                tried.append(measured(replace(plan, **{**known, name: other})))
    if fastest(tried) is not tried[0]:
        # Other processes may have slowed it down, the first time.
        tried[0] = min(tried[0], measured(plan), key=lambda way: way.seconds)
    return tuple(tried)


def _others(name: str, way: StepFacts, batch: Batch) -> Iterator[object]:
    """Other values of a decision that may be faster."""
    if name == "precision":
        yield "fp32" if way.precision == "bf16" else "bf16"
    if name == "channels_last" and any(value.ndim == 4 for value in batch.inputs.values()):
        yield not way.channels_last
    if name == "micro_batch" and way.micro_batch >= PIECES:
        yield min(way.micro_batch, len(batch)) // PIECES or 1
