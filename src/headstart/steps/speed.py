"""The fastest way to compute a training step on this machine: measured once, and remembered."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from headstart.config.schema import Config
from headstart.contracts import Backbone, Batch, Phase, Task
from headstart.durable import write_file_durably
from headstart.errors import DiskFull
from headstart.features.engines.remembered import home, machine_file
from headstart.planning.facts import StepFacts
from headstart.planning.plan import Plan
from headstart.planning.speed import WAYS, at_speed, open_ways, pays, whole_batches, whole_phases
from headstart.steps.cuts import plain_network
from headstart.steps.layers import architecture_of
from headstart.steps.prepare import Prepared
from headstart.training.measure import measure_steps

# Models, batches and depths that are remembered: a few hundred bytes each.
KEPT = 1024


def hastened(config: Config, plan: Plan, prepared: Prepared, task: Task, backbone: Backbone) -> Plan:
    """The plan with the fastest way to compute a step; as it is where measuring would not pay.

    Measurements are noisy, and each way rounds differently: as the same request is to give the same
    bytes, only what is remembered counts, and the plan stays as it is where nothing may be kept.

    Args:
        config: the request; what it asks for is not varied.
        plan: all else decided.
        prepared: gives the batch that is measured on.
        task: gives the loss.
        backbone: of the network.
    """
    cache, train = prepared.supply.cache, prepared.part("train")
    if cache is None or not pays(plan, len(train)):
        return plan
    deepest = max(whole_phases(plan), key=lambda phase: len(phase.rates))
    batch = training_batch(prepared, task, plan.batch_size)
    memory = _memory(cache.measurements / "steps", config, plan, deepest, batch=batch, backbone=backbone)
    if not recall(memory):
        tried = measure_steps(
            plain_network(task, backbone, plan.head, plan.seed),
            deepest,
            backbone.boundaries,
            task=task,
            plan=plan,
            batch=batch,
            batches=whole_batches(plan, len(train)),
            vary=open_ways(config),
            seconds=config.time_limit or math.inf,
        )
        with suppress(OSError, DiskFull):
            write_file_durably(memory, json.dumps([asdict(way) for way in tried], indent=1).encode())
    remembered = recall(memory)
    return at_speed(plan, remembered) if remembered else plan


def training_batch(prepared: Prepared, task: Task, size: int) -> Batch:
    """As those of training, with the first examples of it, not augmented."""
    examples, view = prepared.part("train")[:size], prepared.supply.view()
    return task.collate(examples, [view(example, 0) for example in examples])


def _memory(
    root: Path, config: Config, plan: Plan, phase: Phase, *, batch: Batch, backbone: Backbone
) -> Path:
    """The file for this request, as far as steps may take another time, and for this machine."""
    own = [getattr(plan, name) for name in WAYS]
    layers = [sorted(phase.rates), plan.batch_norm, astuple(plan.head), plan.objective.mixup > 0]
    asked = [open_ways(config), config.time_limit]
    part = home(
        root,
        batch.inputs,
        digest=f"{architecture_of(backbone)} {backbone.sha256}",
        boundary=json.dumps([own, layers, asked]),
        keep=KEPT,
    )
    return machine_file(part, plan.device)


def recall(memory: Path) -> Sequence[StepFacts]:
    """The ways that were tried; none where nothing was kept, or it is damaged."""
    try:
        return [_step(entry) for entry in json.loads(memory.read_bytes())]
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _step(entry: dict[str, Any]) -> StepFacts:
    return StepFacts(
        precision=str(entry["precision"]),
        channels_last=bool(entry["channels_last"]),
        micro_batch=int(entry["micro_batch"]),
        seconds=float(entry["seconds"]),
    )
