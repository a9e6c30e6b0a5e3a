"""Everything decided and ready: what the steps from training to the report work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from headstart.contracts import Backbone, Example, Modality, Task
from headstart.features.probe import Probe, fit_probe, held_out_logits
from headstart.planning.plan import Plan
from headstart.steps.prepare import Prepared
from headstart.steps.supply import Supply


@dataclass(frozen=True)
class Job:
    """One fit.

    Attributes:
        prepared: data with its split and features.
        task: with its labels.
        backbone: pretrained; training changes its module in place.
        plan: all decisions.
        probe: from the training split; None where the task has none.
    """

    prepared: Prepared
    task: Task
    backbone: Backbone
    plan: Plan
    probe: Probe | None

    @cached_property
    def supply(self) -> Supply:
        """Of batches and kept activations, with the targets of this task."""
        return replace(self.prepared.supply, task=self.task)

    def targets(self, part: str) -> list[Any]:
        """Encoded targets of a split."""
        return [self.task.encode(example) for example in self.prepared.part(part)]

    @property
    def modality(self) -> type[Modality]:
        """The task's."""
        return self.supply.modality

    def probe_outputs(self, part: str) -> Sequence[Any]:
        """What the probe says of a split; there must be a probe."""
        if self.probe is None:
            raise ValueError(f"{self.task.name} has no probe")
        features = self.prepared.features_of(self.prepared.part(part))
        return self.task.read_head(self.probe.logits(features))


def probe(
    prepared: Prepared,
    task: Task,
    examples: Sequence[Example],
    *,
    seed: int,
    strength: float | None = None,
) -> Probe | None:
    """Logistic regression on the features of examples; None where the task has no probe.

    Args:
        examples: of `prepared`.
        seed: of the folds that choose the regularisation.
        strength: the regularisation, where it was chosen before.
    """
    linear = task.linear_targets([task.encode(example) for example in examples])
    if linear is None:
        return None
    return fit_probe(
        prepared.features_of(examples),
        linear.values,
        groups=prepared.groups_of(examples),
        exclusive=linear.exclusive,
        seed=seed,
        strength=strength,
        intercept=prepared.supply.backbone.head_bias,
    )


def held_out_outputs(job: Job, examples: Sequence[Example]) -> Sequence[Any]:
    """What the probe says of each of these, fitted without it; the task must have one."""
    linear = job.task.linear_targets([job.task.encode(example) for example in examples])
    if linear is None or job.probe is None:
        raise ValueError(f"{job.task.name} has no probe")
    logits = held_out_logits(
        job.prepared.features_of(examples),
        linear.values,
        groups=job.prepared.groups_of(examples),
        exclusive=linear.exclusive,
        seed=job.plan.seed,
        strength=job.probe.strength,
        intercept=job.backbone.head_bias,
    )
    return job.task.read_head(logits)
