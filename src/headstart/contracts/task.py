"""The seam where a task plugs in: what is predicted, from targets to what the user sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from headstart.contracts.showing import Exhibits
from headstart.contracts.values import (
    Backbone,
    Batch,
    Example,
    Head,
    LinearTargets,
    Loss,
    Objective,
    Prediction,
    Scorer,
    View,
)

if TYPE_CHECKING:
    import torch
    from torch import nn


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
    single_pass: ClassVar[bool]
    """Whether its answer comes of one pass of the network, as engines for serving compute it."""
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
    def exclusive(self) -> bool:
        """Whether outputs are one choice (softmax), rather than questions apart (sigmoid)."""
        ...

    @property
    def multi_label(self) -> bool:
        """Whether an example may have several labels, or none, as a whole."""
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
