"""What a network computes on: everything from the inputs, or the rest from kept activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import nn

from headstart.config.schema import Augmentation
from headstart.contracts import HEAD, Batch, Example, Notice, Phase
from headstart.data.batches import TrainBatches
from headstart.errors import CacheError, DiskFull
from headstart.features.batches import KeptEvaluationBatches, KeptTrainBatches
from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.cutting.replay import replaying
from headstart.features.engines.choose import Choice
from headstart.features.frozen import Activations
from headstart.steps.cuts import cut_at
from headstart.steps.job import Job
from headstart.steps.layers import Layers
from headstart.steps.supply import Notify
from headstart.training.feed import Validate, Validation

# A head, or the last layers, on kept activations: nothing of it needs small batches.
KEPT_BATCH = 64

Validator = Callable[[nn.Module, Iterable[Batch]], Validation]
Fed = tuple[TrainBatches | KeptTrainBatches, Validate]


class NoEntrance(Exception):
    """A network cannot be entered where its plan says.

    Args:
        cause: why, as a sentence.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True)
class Entrance:
    """Where kept activations enter a network, and the layers that give them.

    Attributes:
        job: has data and plan.
        cut: of the network.
        layers: before it.
        engine: that runs them.
        notify: told of the progress.
    """

    job: Job
    cut: Cut
    layers: Layers
    engine: Choice
    notify: Notify

    @classmethod
    def of(cls, job: Job, network: nn.Module, name: str, notify: Notify) -> Entrance:
        """At a boundary, or the head.

        Raises:
            NoEntrance: the network cannot be entered there, as where a run goes on on another device.
        """
        train = job.prepared.part("train")
        cut = cut_at(job.supply, network, name, train, job.plan.batch_norm)
        if isinstance(cut, NoCut):
            raise NoEntrance(f"{job.plan.model} cannot be entered at '{name}' as planned: {cut.reason}.")
        layers = Layers.before(cut, network, job.backbone)
        engine = job.supply.planned_engine(layers, train, job.plan, notify=notify)
        return cls(job, cut, layers, engine, notify)

    def train_batches(self, epochs: Sequence[int]) -> KeptTrainBatches:
        """Of the training split, in the views that some epochs take."""
        plan = self.job.plan
        examples = self.job.prepared.part("train")
        augmentation = plan.augment if plan.augment.varies else None
        taken = {epoch: epoch % plan.views if augmentation else None for epoch in epochs}
        kept = {
            view: self._activations(examples, augmentation, view) for view in dict.fromkeys(taken.values())
        }
        return KeptTrainBatches(
            examples,
            self.job.task,
            boundary=self.cut.name,
            view=self.job.supply.view() if self.job.task.located else None,
            batch_size=plan.batch_size,
            views={epoch: kept[view] for epoch, view in taken.items()},
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
            view=self.job.supply.view() if self.job.task.located else None,
            batch_size=KEPT_BATCH,
            activations=self._activations(examples, None, None),
        )

    def _activations(
        self, examples: Sequence[Example], augmentation: Augmentation | None, epoch: int | None
    ) -> Activations:
        return self.job.supply.activations(
            self.layers, self.engine, examples, augmentation=augmentation, epoch=epoch, notify=self.notify
        )


def lowest_cut(job: Job) -> str:
    """The boundary below which no phase trains anything, where all of them enter; "" where there is none."""
    order = [*(boundary.name for boundary in job.backbone.boundaries), HEAD]
    return min(job.plan.stored, key=order.index) if all(job.plan.stored) else ""


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
    with ExitStack() as stack:
        batches: Iterable[Batch] = job.supply.batches(job.prepared.part(part))
        if name:
            try:
                batches = stack.enter_context(_kept_evaluation(job, network, name, part, notify))
            except (CacheError, DiskFull, NoEntrance) as error:
                notify(Notice(0, "cache", f"{part} is computed from the inputs: {error.cause}"))
        yield batches


@contextmanager
def _kept_evaluation(
    job: Job, network: nn.Module, name: str, part: str, notify: Notify
) -> Iterator[KeptEvaluationBatches]:
    """The batches of a split, from what is kept.

    Raises:
        CacheError, DiskFull, NoEntrance: it cannot be kept, or not be used.
    """
    with job.supply.for_a_while():
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
    def __call__(self, phase: Phase, epochs: range) -> Iterator[Fed]:
        """Inside, the network takes these batches.

        Where activations cannot be kept after all, the phase computes everything from the inputs.

        Args:
            phase: of the plan.
            epochs: that it has left, counted over all phases.
        """
        name = self._job.plan.stored[self._job.plan.phases.index(phase)]
        with ExitStack() as stack:
            fed = None
            if name:
                try:
                    fed = stack.enter_context(self._kept(name, epochs))
                except (CacheError, DiskFull, NoEntrance) as error:
                    text = f"Phase '{phase.name}' computes everything from the inputs: {error.cause}"
                    self._notify(Notice(0, "cache", text))
            yield fed or self._whole()

    @contextmanager
    def _kept(self, name: str, epochs: range) -> Iterator[Fed]:
        """From activations that enter at a boundary, or the head.

        Raises:
            CacheError, DiskFull, NoEntrance: they cannot be kept, or not be used.
        """
        with self._job.supply.for_a_while():
            entrance = Entrance.of(self._job, self._network, name, self._notify)
            train, val = entrance.train_batches(epochs), entrance.evaluation_batches("val")
            with replaying(self._network, entrance.cut):
                yield train, lambda network: self._validator(network, val)

    def _whole(self) -> Fed:
        """From the inputs, through every layer."""
        val = self._job.supply.batches(self._job.prepared.part("val"))
        return self._train_batches(), lambda network: self._validator(network, val)

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
