"""What a network computes on: everything from the inputs, or the rest from kept activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from headstart.config.schema import Augmentation
from headstart.contracts import Batch, Example, Phase
from headstart.data.batches import TrainBatches
from headstart.errors import RunError
from headstart.features.batches import KeptEvaluationBatches, KeptTrainBatches
from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.cutting.replay import replaying
from headstart.features.frozen import Activations
from headstart.steps.cuts import cut_at
from headstart.steps.job import Job
from headstart.steps.supply import Layers, Notify
from headstart.training.feed import Validate, Validation

# A head, or the last layers, on kept activations: nothing of it needs small batches.
KEPT_BATCH = 64

Validator = Callable[[nn.Module, Iterable[Batch]], Validation]


@dataclass(frozen=True)
class Entrance:
    """Where kept activations enter a network, and the layers that give them.

    Attributes:
        job: has data and plan.
        cut: of the network.
        layers: before it.
        notify: told of the progress.
    """

    job: Job
    cut: Cut
    layers: Layers
    notify: Notify

    @classmethod
    def of(cls, job: Job, network: nn.Module, name: str, notify: Notify) -> Entrance:
        """At a boundary, or the head.

        Raises:
            RunError: a network of this plan cannot be entered there.
        """
        cut = cut_at(job.supply, network, name, job.prepared.part("train"), job.plan.batch_norm)
        if isinstance(cut, NoCut):
            raise RunError(
                f"{job.plan.model} cannot be entered at '{name}' as the plan says: {cut.reason}.",
                "Begin a new run, with --set features.store=false if that does not help.",
            )
        return cls(job, cut, Layers.before(cut, network, job.backbone), notify)

    def train_batches(self, epochs: int) -> KeptTrainBatches:
        """Of the training split, in as many views as the plan says, and at most one an epoch."""
        plan = self.job.plan
        examples = self.job.prepared.part("train")
        augmentation = plan.augment if plan.augment.varies else None
        views = range(min(plan.views, epochs)) if augmentation else (None,)
        return KeptTrainBatches(
            examples,
            self.job.task,
            boundary=self.cut.name,
            batch_size=plan.batch_size,
            views=[self._activations(examples, augmentation, view) for view in views],
            seed=plan.seed,
            lengths=self.job.supply.lengths(examples),
        )

    def evaluation_batches(self, part: str) -> KeptEvaluationBatches:
        """Of a split."""
        examples = self.job.prepared.part(part)
        return KeptEvaluationBatches(
            examples,
            self.job.task,
            boundary=self.cut.name,
            batch_size=KEPT_BATCH,
            activations=self._activations(examples, None, None),
        )

    def _activations(
        self, examples: Sequence[Example], augmentation: Augmentation | None, epoch: int | None
    ) -> Activations:
        supply, engine = self.job.supply, self.job.plan.engines[self.layers.name]
        choice = supply.engine(self.layers, examples, count=len(examples), only=engine)
        return supply.activations(
            self.layers, choice, examples, augmentation=augmentation, epoch=epoch, notify=self.notify
        )


@contextmanager
def evaluation_batches(
    job: Job, network: nn.Module, name: str, part: str, notify: Notify
) -> Iterator[Iterable[Batch]]:
    """The batches of a split; inside, the network takes them.

    Args:
        job: has data and plan.
        network: whose layers before the boundary are those that the plan froze.
        name: of the boundary, or "head"; "" computes everything.
        part: "val" or "test".
        notify: told of the progress.
    """
    if not name:
        yield job.supply.batches(job.prepared.part(part))
        return
    entrance = Entrance.of(job, network, name, notify)
    batches = entrance.evaluation_batches(part)
    with replaying(network, entrance.cut):
        yield batches


class Feeds:
    """For each phase its batches, and how it is validated; as the training loop asks for them.

    Args:
        job: has data and plan.
        network: that is trained.
        validator: scores a network on batches.
        notify: told of the progress.
    """

    def __init__(self, job: Job, network: nn.Module, validator: Validator, notify: Notify) -> None:
        self._job, self._network, self._validator, self._notify = job, network, validator, notify

    @contextmanager
    def __call__(self, phase: Phase) -> Iterator[tuple[TrainBatches | KeptTrainBatches, Validate]]:
        """Inside, the network takes these batches."""
        job = self._job
        name = job.plan.stored[job.plan.phases.index(phase)]
        if not name:
            val = job.supply.batches(job.prepared.part("val"))
            yield self._train_batches(), lambda network: self._validator(network, val)
            return
        entrance = Entrance.of(job, self._network, name, self._notify)
        train, kept = entrance.train_batches(phase.epochs), entrance.evaluation_batches("val")
        with replaying(self._network, entrance.cut):
            yield train, lambda network: self._validator(network, kept)

    def _train_batches(self) -> TrainBatches:
        job = self._job
        examples = job.prepared.part("train")
        return TrainBatches(
            examples,
            job.supply.view(job.plan.augment),
            job.task.collate,
            batch_size=job.plan.batch_size,
            seed=job.plan.seed,
            threads=job.supply.machine.cores,
            lengths=job.supply.lengths(examples),
        )
