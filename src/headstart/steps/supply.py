"""Views of examples, and what frozen layers give for them: made once, and kept where there is room."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from headstart.config.schema import Augmentation, Config
from headstart.contracts import HEAD, Backbone, Event, Example, Modality, Notice, Scan, Task
from headstart.data.batches import EvaluationBatches, MakeView, collate_padded
from headstart.data.intake import stored_views
from headstart.errors import CacheError, DiskFull
from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.cutting.replay import Prefix
from headstart.features.engines.choose import Choice, choose
from headstart.features.frozen import Activations, fill
from headstart.planning.facts import MachineFacts
from headstart.planning.rules import evaluation_batch_size
from headstart.planning.storing import in_bytes
from headstart.store.cache import Cache
from headstart.store.memory import AnyShelf, MemoryShelf
from headstart.store.shelf import Shelf
from headstart.training.device import fixed_batches
from headstart.training.freezing import BACKBONE, changing, digest

Notify = Callable[[Event], None]


def cache_of(config: Config) -> tuple[Cache | None, str]:
    """Where a request lets things be kept, or None and why nothing is."""
    if not config.features.store:
        return None, "asked not to be"
    try:
        cache = Cache.of(config.cache)
        if cache.room():
            return cache, ""
        return None, f"the cache {cache.root} has no room"
    except CacheError as error:
        return None, error.cause


@dataclass(frozen=True)
class Layers:
    """The layers before a cut.

    Attributes:
        name: of the boundary, or "head".
        module: called with the network's inputs, gives what flows into the cut.
        digest: sha256 of their weights and buffers.
    """

    name: str
    module: nn.Module
    digest: str

    @classmethod
    def before(cls, cut: Cut | None, network: nn.Module, backbone: Backbone) -> Layers:
        """Those before a cut of a network; None is all of its backbone."""
        name = HEAD if cut is None else cut.name.removeprefix(BACKBONE)
        module = network.get_submodule("backbone") if cut is None or name == HEAD else Prefix(network, cut)
        names = [boundary.name for boundary in backbone.boundaries]
        earlier = names if name == HEAD else names[: names.index(name)]
        weights = changing(network, backbone.boundaries, earlier)
        return cls(name, module.eval(), digest(network, weights))


@dataclass(frozen=True)
class Supply:
    """Where batches come from.

    Attributes:
        task: puts views side by side.
        backbone: says how its inputs are made ready.
        modality: its class.
        scans: by id.
        inputs: shelf of decoded inputs; None decodes them each time.
        cache: None keeps nothing beyond this run.
        machine: that computes.
        seed: of the augmentation.
        cuts: that were tried out, by boundary, or "head".
    """

    task: Task
    backbone: Backbone
    modality: type[Modality]
    scans: Mapping[str, Scan]
    inputs: Shelf | None
    cache: Cache | None
    machine: MachineFacts
    seed: int
    cuts: dict[str, Cut | NoCut] = field(default_factory=dict)
    _views: dict[Augmentation | None, MakeView] = field(default_factory=dict)
    _choices: dict[tuple[str, str], Choice] = field(default_factory=dict)
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
        """By which examples are put together in batches; None where all have one shape."""
        return [self.scans[example.id].size[0] for example in examples] if self.modality.ragged else None

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
        key = (layers.name, layers.digest)
        if key not in self._choices:
            self._choices[key] = choose(
                layers.module,
                self.sample(examples),
                count=count,
                folder=None if self.cache is None else self.cache.root / "engines",
                digest=layers.digest,
                boundary=layers.name,
                device=self.machine.device,
                # Without a memory of it, a choice would not be the same the next time.
                only=only or ("eager" if self.cache is None else None),
            )
        return self._choices[key]

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
            CacheError, DiskFull: activations of another boundary cannot be kept.
            RunError: out of memory.
        """
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

        description = self._description(layers, choice, augmentation)
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

    def _description(
        self, layers: Layers, choice: Choice, augmentation: Augmentation | None
    ) -> dict[str, Any]:
        """What tells these activations from all others."""
        # Crops are cut from the image as it is kept, or as the file has it.
        varied = augmentation and {
            **asdict(augmentation),
            "seed": self.seed,
            "decoded_once": self.inputs is not None,
        }
        return {
            "kind": "features",
            "model": self.backbone.name,
            "boundary": layers.name,
            "weights": layers.digest,
            "engine": choice.name,
            "type": choice.stored,
            "batch_size": self.batch_size,
            "preprocessing": self.modality.preprocessing_state(self.backbone.preprocessing),
            "augmentation": varied,
        }

    def _shelf(self, description: Mapping[str, Any]) -> AnyShelf:
        key = repr(description)
        if key not in self._shelves:
            self._shelves[key] = self.cache.shelf(description) if self.cache else MemoryShelf()
        return self._shelves[key]
