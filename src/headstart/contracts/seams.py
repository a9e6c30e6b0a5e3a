"""The seams where files plug in: a modality, a source, a technique, a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from headstart.contracts.showing import Exhibits
from headstart.contracts.values import (
    Backbone,
    Batch,
    Budget,
    Example,
    Head,
    Intake,
    LinearTargets,
    Loss,
    Native,
    Objective,
    Phase,
    Prediction,
    Scan,
    Scorer,
    View,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn


class Modality(Protocol):
    """Bytes to tensors, for one kind of input. Knows nothing of labels or models."""

    name: ClassVar[str]
    family: ClassVar[str]
    """Of inputs, "image" or "text": networks are made for one of them."""
    suffixes: ClassVar[frozenset[str]]
    varies: ClassVar[bool]
    """Whether there is an augmentation by which training views may vary."""
    ragged: ClassVar[bool]
    """Whether views differ in length, which `Scan.size` tells first."""
    paired: ClassVar[bool]
    """Whether an input has a part for each column of its table, one or several."""

    def __init__(self, preprocessing: Any, augmentation: Any, seed: int) -> None: ...

    @staticmethod
    def scan(example: Example) -> Scan:
        """Decode the input once, whole, and say what it is; an unreadable one is no exception.

        It is asked of the class, before there is a checkpoint whose preprocessing could matter.
        """
        ...

    def intake(self, example: Example, wanted: Callable[[str], bool] | None = None) -> Intake:
        """Decode the input once, whole: what it is, as `scan` says it, and its compact form.

        Args:
            example: an unreadable one is no exception.
            wanted: whether the compact form of a content (`Scan.content`) is to be made; None
                makes every one.
        """
        ...

    def view(
        self, example: Example, epoch: int | None, compact: Mapping[str, np.ndarray] | None = None
    ) -> View:
        """An example as tensors; `epoch` None is the evaluation form, without augmentation.

        The augmentation drawn is a function of (seed, epoch, id), and evaluation forms are the
        same to the bit, whether they come from the compact form or from the input.

        Args:
            example: what to show.
            epoch: of training; None for evaluation.
            compact: what `intake` gave of the same content, by this modality or by one whose
                augmentation crops more; the input is then not looked at.

        Raises:
            DataError: the input cannot be read.
        """
        ...

    def compact_state(self) -> dict[str, Any]:
        """Plain data that differs wherever compact forms of one content may differ."""
        ...

    @staticmethod
    def picture(example: Example) -> bytes | None:
        """A small JPEG or PNG file of the input, for reports; None where there is nothing to see."""
        ...

    @staticmethod
    def excerpt(example: Example) -> tuple[str, ...]:
        """The beginning of each text of an input, for reports; empty where it is none."""
        ...

    @staticmethod
    def odd_sizes(sizes: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]:
        """Which of some inputs look as if they did not belong, by what is odd about them.

        Args:
            sizes: (N, 2), of `Scan.size`.
        """
        ...

    @staticmethod
    def size_words(size: tuple[int, int]) -> str:
        """A `Scan.size` for messages."""
        ...

    @classmethod
    def preprocessing_from(cls, state: Mapping[str, Any], folder: Path) -> Any:
        """The frozen dataclass from what `preprocessing_state` gave, and the files in a folder."""
        ...

    @classmethod
    def preprocessing_state(cls, preprocessing: Any) -> dict[str, Any]:
        """Plain data for bundle.json."""
        ...

    @classmethod
    def preprocessing_files(cls, preprocessing: Any) -> Mapping[str, bytes]:
        """What stands in files of their own beside bundle.json, by name."""
        ...


class Source(Protocol):
    """Where weights come from: one file a hub."""

    name: ClassVar[str]
    family: ClassVar[str]
    """Of inputs, of models of which no more is known than their names."""

    def names(self) -> Sequence[str]:
        """Models that can be had without a network."""
        ...

    def lacking(self, name: str) -> str:
        """What is to be done before a model can be used, as a clause; "" where nothing is."""
        ...

    def knows(self, name: str) -> bool:
        """Whether this source has a model of that name (installed or downloadable)."""
        ...

    def load(self, name: str, *, task: str, image_size: int | None = None) -> Backbone:
        """The pretrained backbone.

        Args:
            name: without the ``SOURCE:`` prefix.
            task: that it is to learn.
            image_size: another input size than the checkpoint's, in pixels.

        Raises:
            ModelError: no such model, no network, damaged file; the message names the remedy.
        """
        ...

    def rebuild(self, blueprint: Mapping[str, Any]) -> nn.Module:
        """The module of a blueprint with untrained weights, needing no network."""
        ...

    def native(self, blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native | None:
        """The form of a classifier in which its own library opens it; None where it has none.

        Args:
            blueprint: of the backbone.
            labels: one for each output of a linear head.
            several: whether an example may have several of them.
        """
        ...


class Technique(Protocol):
    """How the model is changed while it learns. Pure: decides, touches no tensor.

    `Options` is the technique's own frozen dataclass; a technique is made from an instance of it.
    """

    name: ClassVar[str]
    pairs: ClassVar[bool]
    """Whether it learns from pairs within a batch, which must be large enough."""
    cross_validated: ClassVar[bool]
    """Whether it trains once a fold where there are few validation examples."""
    Options: ClassVar[type[Any]]

    def __init__(self, options: Any) -> None: ...

    def phases(self, budget: Budget, boundaries: Sequence[str]) -> tuple[Phase, ...]:
        """What is trained, in what order, at what rates. Empty: the probe alone.

        Args:
            budget: what may be spent.
            boundaries: names, stem to head.
        """
        ...


class Rows(Protocol):
    """Rows of numbers that need not be in memory: an array is one, a part of a shelf another."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: slice | Sequence[int] | NDArray[np.integer]) -> np.ndarray:
        """The rows at some places (n, ...), in their order, as an array."""
        ...


class Network(Protocol):
    """What a task builds: an `nn.Module` with its two parts apart."""

    backbone: nn.Module
    head: nn.Module


class Task(Protocol):
    """What is predicted: target encoding, head, loss, metrics, decoding, pictures.

    A task is an immutable value: `from_examples` learns what it must know (labels), `state` and
    `from_state` take it into the bundle and back.
    """

    name: ClassVar[str]
    modality: ClassVar[str]
    """That makes its views, by the name in the catalogue."""
    form: ClassVar[str]
    """How its examples are written in data, by the name in the catalogue."""
    asked: ClassVar[str]
    """What `predict` may be given, as Python writes it: for the model card."""
    lower_is_better: ClassVar[frozenset[str]]
    probed: ClassVar[bool]
    """Whether an output is one row of logits an example, which a linear probe can give as well, and which
    a temperature calibrates."""
    located: ClassVar[bool]
    """Whether targets or outputs lie at places of the input, so that batches need the geometry of views."""
    unkept: ClassVar[str]
    """Why what frozen layers give cannot be kept by example, as a clause; "" where it can."""
    loss_metric: ClassVar[str]
    """The scorer that is the loss."""

    @property
    def metric(self) -> str:
        """The main one of its scorers."""
        ...

    @property
    def watched(self) -> str:
        """The scorer that stands for the main one while training, where that would take long."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can say, in the order of its outputs."""
        ...

    @property
    def output_names(self) -> tuple[str, ...]:
        """What each output of the head stands for; empty where outputs are no labels."""
        ...

    @property
    def several(self) -> bool:
        """Whether outputs are questions apart, rather than one choice."""
        ...

    @classmethod
    def from_examples(cls, examples: Sequence[Example], options: Mapping[str, Any]) -> Self:
        """The task that these training examples state.

        Args:
            examples: the training split.
            options: the task's own settings: ``{"multi_label": True}``.

        Raises:
            DataError: targets that cannot be learned from.
        """
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The task from what `state` gave."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json."""
        ...

    def encode(self, example: Example) -> Any:
        """The example's target as the loss and the scorers take it.

        Raises:
            DataError: an unknown label.
        """
        ...

    def class_weights(self, examples: Sequence[Example]) -> tuple[float, ...]:
        """Weights that make every class count alike, mean 1 over the examples."""
        ...

    def build(self, backbone: Backbone, head: Head) -> nn.Module:
        """The network: backbone and a new head. Has `.backbone` and `.head`."""
        ...

    def collate(self, examples: Sequence[Example], views: Sequence[View]) -> Batch:
        """Examples side by side. Targets are None where an example has none."""
        ...

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        """The batch mixed with itself (mixup), or unchanged where that has no meaning."""
        ...

    def loss(
        self, network: nn.Module, batch: Batch, objective: Objective
    ) -> tuple[Loss, torch.Tensor | None]:
        """Loss, and the outputs it was computed from: a row an example, where they were computed.

        Outputs are None where they do not stack. Nothing in it may wait for the device, as reading a
        number from there does.
        """
        ...

    def contrast(self, network: nn.Module, batch: Batch) -> Loss:
        """The loss of pairs of examples on the features that the head is given; of `probed` tasks."""
        ...

    def outputs(self, network: nn.Module, batch: Batch) -> Sequence[Any]:
        """One output per example of the batch (a row of logits, boxes, tokens), on the CPU."""
        ...

    def quick_outputs(self, network: nn.Module, batch: Batch) -> Sequence[Any]:
        """As much of the outputs as the watched metric and the loss are computed from."""
        ...

    def linear_targets(self, targets: Sequence[Any]) -> LinearTargets | None:
        """What a linear probe learns for N encoded targets; None where the task is not `probed`."""
        ...

    def read_head(self, values: Any) -> Sequence[Any]:
        """Outputs, as `outputs` gives them, from (N, outputs) values of a linear head; of `probed` tasks."""
        ...

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """Every metric of the task, as functions of example weights.

        Args:
            outputs: N outputs.
            targets: N encoded targets.
        """
        ...

    def baseline(self, train: Sequence[Any], count: int) -> Sequence[Any] | None:
        """`count` outputs of the model that looks at no input, from encoded training targets.

        None where such a model would say nothing.
        """
        ...

    def decode(self, output: Any, value: Any = None) -> Prediction:
        """What the user sees of one output.

        Args:
            output: one of what `outputs` gave.
            value: the example's input, for tasks that point into it.
        """
        ...

    def cells(self, example: Example, output: Any) -> Mapping[str, Any]:
        """A row of test_predictions.csv behind the example's id, by column: the same columns for all."""
        ...

    def exhibits(
        self,
        examples: Sequence[Example],
        outputs: Sequence[Any],
        ask: Callable[[Sequence[Any]], Sequence[Prediction]],
    ) -> Exhibits | None:
        """What a report shows of test examples; None where its tables and charts of labels say it.

        Args:
            examples: N of them.
            outputs: of these.
            ask: the saved model, for more than `outputs` has: inputs to predictions.
        """
        ...
