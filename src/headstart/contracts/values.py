"""The values that flow between rooms. Knows no library of arrays at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Lt

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the user's data, by reference: cheap, holds no pixels.

    Attributes:
        id: stable name within the data: the path below its root, or ``table.csv:12``.
        input: a `Path`, a text, or a tuple of them; `Words`, a `Chat`.
        target: as read (a label, a tuple of labels or tags, a text, `Answer`s, ...); None where unknown.
        group: members of one group never fall on two sides of a split.
        origin: file and row for messages.
        traits: what else the data says of it, by name of the column: ``("site", "north")``.
    """

    id: str
    input: Any
    target: Any = None
    group: str | None = None
    origin: str = ""
    traits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """What one full decode of an input told.

    Attributes:
        error: why it cannot be read; None where it can.
        content: sha256 of the decoded content: equal for exact duplicates in any format.
        hash: perceptual hash, 64 bits; None where the modality has none.
        size: width and height in pixels; characters and words of a text.
        grey: whether an image has no colour.
    """

    error: str | None = None
    content: str = ""
    hash: int | None = None
    size: tuple[int, int] = (0, 0)
    grey: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """What one full decode of an input gave.

    Attributes:
        scan: what the input is.
        compact: named arrays from which every view can be made without the input; None where it
            cannot be read, or where they were not wanted.
        cut: why not all of it can be shown to the network, as a clause; "" where it can.
    """

    scan: Scan
    compact: Mapping[str, np.ndarray] | None = None
    cut: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One example made ready for the network, by a modality.

    Attributes:
        inputs: tensors without a batch axis, by the name of the network's argument.
        geometry: how input coordinates map to the original's (crop, flip, scale), for tasks
            whose targets live in space or time; None where the modality has none.
        padding: for inputs of varying length, what fills up each behind a shorter example, 0 where
            it is not named; None where all examples have one shape.
        tight: whether it is filled up to the longest beside it and no further, as in training, where
            neighbours count anyway; else to a length that hardly depends on them.
        target: token ids of a target that is a text itself; None where it is none, or not known.
    """

    inputs: Mapping[str, Tensor]
    geometry: Any = None
    padding: Mapping[str, float] | None = None
    tight: bool = False
    target: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples side by side.

    Attributes:
        inputs: tensors with a leading batch axis, by argument name.
        targets: whatever the task's loss takes, sliceable along the batch (a tensor, a sequence,
            or a mapping of these); None when predicting.
        ids: of the examples, in order. Shorter than the batch axis where a last batch was
            padded to a fixed size: outputs beyond ``len(ids)`` are dropped.
        boundary: where the inputs enter the network; None is the network's own entrance, a name
            means stored activations that enter there.
        geometry: of the views, sliceable as targets are, for tasks whose outputs are read by it.
    """

    inputs: Mapping[str, Tensor]
    targets: Any
    ids: tuple[str, ...]
    boundary: str | None = None
    geometry: Any = None

    def __len__(self) -> int:
        return len(self.ids)

    def piece(self, start: int, stop: int) -> Batch:
        """Examples start to stop as a batch of their own."""
        return Batch(
            inputs=_cut(self.inputs, start, stop),
            targets=_cut(self.targets, start, stop),
            ids=self.ids[start:stop],
            boundary=self.boundary,
            geometry=_cut(self.geometry, start, stop),
        )


def _cut(value: Any, start: int, stop: int) -> Any:
    if isinstance(value, Mapping):
        return {name: _cut(part, start, stop) for name, part in value.items()}
    return None if value is None else value[start:stop]


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch as a sum, so that batches of any size add up.

    Attributes:
        total: scalar, the sum over units, with its gradient.
        units: how many units were summed (examples, tokens, boxes).
        per_example: (B,) detached, to name the examples when a loss is not finite.
    """

    total: Tensor
    units: float
    per_example: Tensor


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one input. Tasks with more to say subclass it.

    Attributes:
        label: the most probable label; None where several or none apply.
        score: its probability.
        scores: every label's probability.
        labels: the labels that apply, where one input may have several.
    """

    label: str | None
    score: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    def cells(self) -> dict[str, Any]:
        """It as a row of a table, by column."""
        return {"label": "|".join(self.labels) if self.label is None else self.label, "score": self.score}


@dataclass(frozen=True, slots=True)
class LinearTargets:
    """Targets as a linear model on features learns them.

    Attributes:
        values: (N, outputs) in {0, 1}.
        exclusive: whether the outputs are one choice (softmax) or questions apart (sigmoid).
    """

    values: np.ndarray
    exclusive: bool


# A metric as a function of example weights: (R, N) non-negative weights -> (R,) values. A row
# of ones is the plain score; a bootstrap replicate is a row of counts. Sorting is done once.
Scorer = Callable[["np.ndarray"], "np.ndarray"]


@dataclass(frozen=True)
class Head:
    """What is put on a backbone.

    Attributes:
        hidden: widths of hidden layers between features and output; empty is plain linear.
        dropout: probability, before every linear layer of the head.
        batch_norm: whether each hidden layer is followed by BatchNorm.
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] = ()
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    batch_norm: bool = False


@dataclass(frozen=True)
class Objective:
    """How the loss is shaped.

    Attributes:
        label_smoothing: share of the target spread over all classes (Szegedy et al., 2016).
        mixup: the Beta distribution's parameter; 0 is off (Zhang et al., 2018).
        class_weights: weight of each label in the loss; empty weighs all alike.
    """

    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    mixup: Annotated[float, Ge(0)] = 0.0
    class_weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Boundary:
    """A place where a network can be cut: a unit of freezing, in order of execution.

    Attributes:
        name: the sub-module that begins it.
        modules: every sub-module that it owns, up to the next boundary: its own, and the
            normalisations and activations that follow.
        parameters: full names of the parameters it owns. Those that stand outside every
            sub-module (a class token, position embeddings) belong to the first boundary.
    """

    name: str
    modules: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its head, as a source returns it.

    Attributes:
        module: called with the batch's inputs by name, gives (B, feature_size).
        boundaries: stem to head, in order of execution. Features at several of them are
            the pyramid that detection and segmentation need.
        feature_size: width of the output.
        preprocessing: the modality's frozen dataclass, from the checkpoint.
        name: ``SOURCE:NAME``.
        blueprint: plain data from which the source's `rebuild` makes the same module
            without weights, without a network.
        licence: of the weights; "unknown" where the checkpoint does not say.
        parameters: how many.
        revision: of the checkpoint, as its source names it.
        sha256: of the weights file as read.
        modality: of its inputs.
        head_bias: whether the layer that its own library puts there has a bias.
        new_head: whether the task's head is to be learned from nothing; False where the checkpoint has
            it, and `module` ends with it.
        last_layer: of the checkpoint, for this very task, at which a linear head may begin; None where it
            has none.
    """

    module: nn.Module
    boundaries: tuple[Boundary, ...]
    feature_size: int
    preprocessing: Any
    name: str
    blueprint: Mapping[str, Any]
    licence: str
    parameters: int
    revision: str
    sha256: str
    modality: str = "image"
    head_bias: bool = True
    new_head: bool = True
    last_layer: nn.Linear | None = None


@dataclass(frozen=True)
class Native:
    """The form of a saved network in which the library that its backbone came from opens it.

    Attributes:
        files: by name, weights not among them.
        weights: name of the safetensors file.
        prefixes: of the weights' names here, and what stands there instead.
    """

    files: Mapping[str, bytes]
    weights: str
    prefixes: Mapping[str, str]


# What lies behind every boundary, as phases, cuts and networks name it.
HEAD = "head"


@dataclass(frozen=True)
class Adapters:
    """Matrices of low rank that are trained in the place of the weights they are added to (Hu et al., 2022).

    Attributes:
        rank: of each.
        alpha: what they give is multiplied by ``alpha / rank``.
        dropout: probability, before them.
    """

    rank: int
    alpha: int
    dropout: float = 0.0


@dataclass(frozen=True)
class Phase:
    """So many epochs with one set of trainable layers and rates.

    Attributes:
        name: for the progress bar and the plan.
        epochs: passes over the training examples, at most.
        rates: peak learning rate by boundary name, and by ``"head"``; what is not named is frozen.
        l2_sp: strength of the pull toward the pretrained weights (Li et al., 2018).
        patience: validations without improvement before the phase ends; 0 never ends it early.
        adapters: by which the boundaries are trained, their own weights staying as they are; None
            trains these. All phases of a plan have the same.
        contrast: whether features are trained by pairs of examples, in the place of the task's loss. The
            head says nothing of them then, so the last weights count, not the best.
        climbs: whether it is a rung of a ladder: left out where the phase before it gave no better weights
            than there were.
    """

    name: str
    epochs: int
    rates: Mapping[str, float]
    l2_sp: float = 0.0
    patience: int = 0
    adapters: Adapters | None = None
    contrast: bool = False
    climbs: bool = False


@dataclass(frozen=True)
class Budget:
    """What a technique may spend and must respect.

    Attributes:
        epochs: total; None leaves it to the technique.
        steps_per_epoch: optimiser steps in one pass.
        lr: the user's rate for the deepest trained layer's reference; None leaves it to the
            technique. How it maps onto layers is the technique's to say.
        patience: validations without improvement; 0 is no early stopping.
        l2_sp: strength of the pull toward the pretrained weights.
        frozen: boundaries that no phase may train.
        modality: of the inputs: networks for texts learn best otherwise than those for images.
        head: what the head begins as: a "solution", of a linear probe or as the checkpoint has it, "random"
            weights; or "none", where it is no part of its own.
    """

    epochs: int | None
    steps_per_epoch: int
    lr: float | None = None
    patience: int = 0
    l2_sp: float = 0.0
    frozen: tuple[str, ...] = ()
    modality: str = "image"
    head: Literal["solution", "random", "none"] = "solution"
