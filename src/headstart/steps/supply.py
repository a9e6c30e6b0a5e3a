"""Views of examples, and what frozen layers give for them: made once, and kept where there is room."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from headstart.config.schema import Augmentation
from headstart.contracts import HEAD, Backbone, Event, Example, Modality, Notice, Scan, Task
from headstart.data.batches import EvaluationBatches, MakeView, collate_padded
from headstart.data.intake import stored_views
from headstart.errors import CacheError, DiskFull, RequestError, RunError
from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.engines.choose import Choice, choose
from headstart.features.frozen import Activations, fill
from headstart.modalities.stacking import length_of
from headstart.planning.facts import MachineFacts
from headstart.planning.plan import Plan
from headstart.planning.rules import evaluation_batch_size
from headstart.planning.storing import in_bytes
from headstart.steps.keeping import surroundings
from headstart.steps.layers import Layers
from headstart.store.cache import Cache
from headstart.store.memory import AnyShelf, MemoryShelf
from headstart.store.shelf import Shelf
from headstart.training.device import fixed_batches

Notify = Callable[[Event], None]


@dataclass(frozen=True)
class Supply:
    """Where batches come from.

    Attributes:
        task: puts views side by side.
        backbone: says how its inputs are made ready.
        modality: its class.
        scans: by id.
        inputs: shelf of decoded inputs; None decodes them each time.
        compact: what tells the forms on that shelf from others of the same inputs; None where there is none.
        cache: None keeps nothing beyond this run.
        why: nothing may be kept, where there is no cache.
        machine: that computes.
        seed: of the augmentation.
        cuts: that were tried out, by boundary, or "head".
    """

    task: Task
    backbone: Backbone
    modality: type[Modality]
    scans: Mapping[str, Scan]
    inputs: Shelf | None
    compact: Mapping[str, Any] | None
    cache: Cache | None
    why: str
    machine: MachineFacts
    seed: int
    cuts: dict[str, Cut | NoCut] = field(default_factory=dict)
    _lengths: dict[str, int] = field(default_factory=dict)
    _views: dict[Augmentation | None, MakeView] = field(default_factory=dict)
    _choices: dict[tuple[str, str], tuple[Layers, Choice]] = field(default_factory=dict)
    _shelves: dict[str, AnyShelf] = field(default_factory=dict)

    def view(self, augmentation: Augmentation | None = None) -> MakeView:
        """What makes views: from the decoded inputs where they are kept."""
        if augmentation not in self._views:
            modality = self.modality(self.backbone.preprocessing, augmentation, self.seed)
            # To look up which inputs are kept takes a while where there are very many.
            self._views[augmentation] = (
                modality.view if self.inputs is None else stored_views(modality, self.inputs, self.scans)
            )
        return self._views[augmentation]

    @property
    def batch_size(self) -> int:
        """Of evaluation."""
        return evaluation_batch_size(self.machine).value

    def batches(
        self, examples: Sequence[Example], augmentation: Augmentation | None = None, epoch: int | None = None
    ) -> EvaluationBatches:
        """Examples in their order, in batches of the one size for evaluation.

        Args:
            examples: of the data.
            augmentation: how their views vary.
            epoch: of the views; None is the evaluation form.
        """
        return EvaluationBatches(
            examples,
            self.view(augmentation),
            self.task.collate,
            batch_size=self.batch_size,
            threads=self.machine.cores,
            epoch=epoch,
        )

    def sample(self, examples: Sequence[Example]) -> Mapping[str, Tensor]:
        """The inputs of one batch, on the device."""
        some, view = examples[: self.batch_size], self.view()
        unlabelled = [replace(example, target=None) for example in some]
        views = [view(example, None) for example in some]
        batch = collate_padded(unlabelled, views, self.task.collate, batch_size=self.batch_size)
        return {name: value.to(self.machine.device) for name, value in batch.inputs.items()}

    def lengths(self, examples: Sequence[Example]) -> list[int] | None:
        """By which examples are put together in batches; None where all have one shape.

        Of their views, not of what was scanned: words of rare languages have many tokens. The same
        whether or not these are kept, so that a resumed run has the same batches.
        """
        if not self.modality.ragged:
            return None
        view = self.view()
        missing = [example for example in examples if example.id not in self._lengths]
        self._lengths.update((example.id, length_of(view(example, None))) for example in missing)
        return [self._lengths[example.id] for example in examples]

    def engine(
        self, layers: Layers, examples: Sequence[Example], *, count: int, only: str | None = None
    ) -> Choice:
        """What runs these layers; chosen once.

        Args:
            layers: before a cut.
            examples: to try engines on.
            count: of views that are to be run.
            only: the engine that was asked for.
        """
        if (chosen := self._chosen(layers)) is not None:
            return chosen
        choice = choose(
            layers.module,
            self.sample(examples),
            count=count,
            cache=self.cache,
            digest=layers.digest,
            boundary=layers.name,
            device=self.machine.device,
            # Without a memory of it, a choice would not be the same the next time.
            only=only or ("eager" if self.cache is None else None),
        )
        if only is None and self.cache is None:
            choice = replace(choice, reason="the plain one, as no choice can be remembered")
        self._choices[layers.name, layers.digest] = layers, choice
        return choice

    def planned_engine(
        self, layers: Layers, examples: Sequence[Example], plan: Plan, *, notify: Notify
    ) -> Choice:
        """What runs these layers in a run that is under way: what its plan says, where that can be had.

        Args:
            layers: before a cut.
            examples: that are to be run.
            plan: has the engine's name, unless it was made for another device.
            notify: told where it is another.
        """
        if (chosen := self._chosen(layers)) is not None:
            return chosen
        why = "The plan was made for another device."
        try:
            if planned := plan.engines.get(layers.name):
                return self.engine(layers, examples, count=len(examples), only=planned)
        except (RequestError, RunError) as error:
            why = error.cause
        choice = self.engine(layers, examples, count=len(examples))
        notify(Notice(0, "engine", f"Engine '{choice.name}' runs the layers before '{layers.name}': {why}"))
        return choice

    def _chosen(self, layers: Layers) -> Choice | None:
        """What was chosen for these layers before; a runner whose own layers changed since is forgotten."""
        before, choice = self._choices.get((layers.name, layers.digest), (None, None))
        return choice if before is not None and before.stand_for(layers) else None

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """What is first asked for inside is let go in the end: where it lies on disk, it may make room."""
        before = set(self._shelves)
        try:
            yield
        finally:
            for key in self._shelves.keys() - before:
                del self._shelves[key]

    def activations(
        self,
        layers: Layers,
        choice: Choice,
        examples: Sequence[Example],
        *,
        augmentation: Augmentation | None = None,
        epoch: int | None = None,
        notify: Notify,
    ) -> Activations:
        """What the layers give for one view of each example; what is kept already is not computed again.

        Features of the head, which are small, stay in memory where they cannot be kept.

        Raises:
            CacheError, DiskFull: those of another boundary cannot be kept.
            RunError: out of memory.
        """
        if self.cache is None and layers.name != HEAD:
            raise CacheError(f"What lies before '{layers.name}'", self.why)
        keys = {example.id: self._key(example, epoch) for example in examples}

        def batches_of(ids: Collection[str]) -> EvaluationBatches:
            wanted = set(ids)
            # Without targets, which nothing asks for here.
            chosen = [replace(example, target=None) for example in examples if example.id in wanted]
            return self.batches(chosen, augmentation, epoch)

        def filled(shelf: AnyShelf, make_room: Callable[[int], None]) -> Activations:
            with fixed_batches("features", size=self.batch_size, device=self.machine.device):
                fill(
                    shelf,
                    keys,
                    batches_of,
                    choice.runner,
                    dtype=choice.stored,
                    inputs_too=layers.name != HEAD,
                    make_room=make_room,
                    notify=notify,
                )
            return Activations(shelf, list(keys.values()))

        description = self.description(layers, choice, augmentation)
        try:
            return filled(self._shelf(description), self._make_room)
        except (CacheError, DiskFull) as error:
            if layers.name != HEAD:
                raise
            notify(Notice(0, "cache", f"Features stay in memory: {error.cause}"))
            self._shelves[repr(description)] = MemoryShelf()
            return filled(self._shelf(description), lambda size: None)

    def _key(self, example: Example, epoch: int | None) -> str:
        """Of a view: one that varies does so by the example's id."""
        content = self.scans[example.id].content
        return content if epoch is None else f"{content} {epoch} {example.id}"

    def _make_room(self, size: int) -> None:
        if self.cache is not None and not self.cache.make_room(size):
            raise CacheError(self.cache.root, f"no room for {in_bytes(size)}")

    def description(
        self, layers: Layers, choice: Choice, augmentation: Augmentation | None
    ) -> dict[str, Any]:
        """What tells these activations from all others."""
        # Crops are cut from the image as it is kept, or as the file has it.
        varied = augmentation and {**asdict(augmentation), "seed": self.seed, "inputs": self.compact}
        return {
            "kind": "features",
            "model": self.backbone.name,
            "boundary": layers.name,
            "architecture": layers.architecture,
            "weights": layers.weights,
            "engine": choice.name,
            "type": choice.stored,
            "batch_size": self.batch_size,
            "preprocessing": self.modality.preprocessing_state(self.backbone.preprocessing),
            "augmentation": varied,
            **surroundings(self.machine.device),
        }

    def _shelf(self, description: Mapping[str, Any]) -> AnyShelf:
        key = repr(description)
        if key not in self._shelves:
            self._shelves[key] = self.cache.shelf(description) if self.cache else MemoryShelf()
        return self._shelves[key]
