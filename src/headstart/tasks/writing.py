"""What tasks share whose target is a text: loss over its tokens, the network's own writing, scores, tables.

A network gives logits of the next token at each one that it is shown. The loss is over the tokens of the
target alone, its end among them; units are these tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.contracts import Backbone, Batch, Example, Head, Loss, Objective, Prediction, Scorer, View
from headstart.errors import DataError
from headstart.modalities.stacking import filled_to, stacked
from headstart.modalities.text.writing import Script
from headstart.tasks.heads import Classifier
from headstart.tasks.options import METRIC_ALONE, main_metric, refuse_unknown
from headstart.tasks.writing_scores import mean_loss, perplexity

# Where a row of targets says nothing.
NO_TARGET = -100


@dataclass(frozen=True)
class Draft:
    """What a network has to say of one example.

    Attributes:
        loss: of its target, summed over the tokens; NaN where there is none.
        tokens: of its target.
        text: as the network writes it; None where it was not asked to.
    """

    loss: float = float("nan")
    tokens: int = 0
    text: str | None = None

    @property
    def loss_per_token(self) -> float:
        """As the metric called loss counts it."""
        return self.loss / max(1, self.tokens)


@dataclass(frozen=True)
class Written(Prediction):
    """A text that was written for an input; there is no label."""

    text: str = ""

    def cells(self) -> dict[str, Any]:
        """It as a row of a table."""
        return {"text": self.text}


@dataclass(frozen=True)
class Writing:
    """What is to be written for an input.

    Attributes:
        metric: the main one.
        longest: bytes of the longest target in training, of which no more tokens are written.
    """

    name: ClassVar[str]
    form: ClassVar[str]
    modality: ClassVar[str] = "writing"
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"loss", "perplexity"})
    probed: ClassVar[bool] = False
    located: ClassVar[bool] = False
    single_pass: ClassVar[bool] = False
    exclusive: ClassVar[bool] = True
    multi_label: ClassVar[bool] = False
    unkept: ClassVar[str] = "what a layer gives depends on the text to be written, too"
    loss_metric: ClassVar[str] = "loss"
    metrics: ClassVar[tuple[str, ...]]
    beams: ClassVar[int]

    metric: str
    longest: int

    @classmethod
    def from_examples(cls, examples: Sequence[Example], options: Mapping[str, Any]) -> Self:
        """The task that these training examples state.

        Args:
            examples: the training split; targets are texts.
            options: ``metric``, the main one.

        Raises:
            DataError: no example has a target.
            ConfigError: an option or a metric that is not there.
        """
        refuse_unknown(options, METRIC_ALONE, task=cls.name)
        metric = main_metric(options, cls.metrics, cls.metrics[0])
        sizes = [len(example.target.encode()) for example in examples if example.target is not None]
        if not sizes:
            raise DataError("No training example says what is to be written.", "Give them targets.")
        return cls(metric, max(sizes))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The task from what `state` gave."""
        return cls(state["metric"], state["longest"])

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json."""
        return {"metric": self.metric, "longest": self.longest}

    @property
    def watched(self) -> str:
        """The loss: to write takes a pass of the network for each token."""
        return self.loss_metric

    @property
    def labels(self) -> tuple[str, ...]:
        """None: texts are written."""
        return ()

    @property
    def output_names(self) -> tuple[str, ...]:
        """None: outputs are tokens."""
        return ()

    def encode(self, example: Example) -> str:
        """The text that is to be written.

        Raises:
            DataError: it is not known.
        """
        if not isinstance(example.target, str):
            raise DataError(f"{example.origin or example.id}: does not say what is to be written.")
        return example.target

    def class_weights(self, examples: Sequence[Example]) -> tuple[float, ...]:
        """None: there are no classes."""
        return ()

    def build(self, backbone: Backbone, head: Head) -> nn.Module:
        """The checkpoint's own network, whose last layer gives the tokens already."""
        return Classifier(backbone.module, nn.Identity())

    def collate(self, examples: Sequence[Example], views: Sequence[View]) -> Batch:
        """Examples side by side; targets are tokens (B, T), `NO_TARGET` where there are none to be told.

        They stand at the tokens of the input that they are themselves, or at those of
        ``decoder_input_ids``, by which they are to be told. None where an example has no target.
        """
        ids = tuple(example.id for example in examples)
        if any(example.target is None for example in examples):
            views = [_without_target(view) for view in views]
        scripts: tuple[Script, ...] = tuple(view.geometry for view in views)
        inputs = stacked(views)
        texts = [view.target for view in views if view.target is not None]
        targets = None
        if len(texts) == len(views) and views[0].geometry.apart:
            length = filled_to(views, [len(text) for text in texts])
            targets = _filled(texts, length, NO_TARGET)
            shown = [torch.cat([text.new_tensor([scripts[0].start]), text[:-1]]) for text in texts]
            inputs["decoder_input_ids"] = _filled(shown, length, scripts[0].pad)
        elif len(texts) == len(views):
            length = inputs["input_ids"].shape[1]
            before = [
                len(view.inputs["input_ids"]) - len(text) for view, text in zip(views, texts, strict=True)
            ]
            targets = _filled(texts, length, NO_TARGET, before)
        return Batch(inputs, targets, ids, geometry=scripts)

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        """The batch as it is: tokens do not blend."""
        return batch

    def loss(self, network: nn.Module, batch: Batch, objective: Objective) -> tuple[Loss, None]:
        """The loss summed over the tokens of all targets."""
        per_example = _losses(network, batch, objective.label_smoothing)
        units = sum(script.tokens for script in batch.geometry[: len(batch)])
        return Loss(per_example.sum(), units, per_example.detach()), None

    def outputs(self, network: nn.Module, batch: Batch) -> list[Draft]:
        """Of each example the loss, or where it has no target, what the network writes."""
        return self.quick_outputs(network, batch) if batch.targets is not None else self.write(network, batch)

    def quick_outputs(self, network: nn.Module, batch: Batch) -> list[Draft]:
        """Of each example the loss."""
        losses = _losses(network, batch, 0.0).tolist()
        scripts = batch.geometry[: len(batch)]
        return [Draft(loss, script.tokens) for loss, script in zip(losses, scripts, strict=True)]

    def write(self, network: nn.Module, batch: Batch) -> list[Draft]:
        """Of each example what the network writes."""
        script: Script = batch.geometry[0]
        longest = min(script.room, self.longest + 1)
        backbone: Any = network.backbone
        ids = backbone.write(batch.inputs, beams=self.beams, longest=longest)[: len(batch)].tolist()
        # What is written apart begins with a token of its own.
        return [Draft(text=script.text_of(row[1:] if script.apart else row)) for row in ids]

    def linear_targets(self, targets: Sequence[Any]) -> None:
        """None: there is no probe."""

    def read_head(self, values: Any) -> NoReturn:
        """No head of one layer stands for it."""
        raise TypeError(f"{self.name} has no linear probe")

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """Loss per token of the targets, in nats, and its exponential.

        Args:
            outputs: N drafts.
            targets: N texts.
        """
        losses = np.array([draft.loss for draft in outputs], dtype=np.float64)
        tokens = np.array([draft.tokens for draft in outputs])
        return {"loss": mean_loss(losses, tokens), "perplexity": perplexity(losses, tokens)}

    def baseline(self, train: Sequence[Any], count: int) -> None:
        """None: a text that suits no input would say nothing."""

    def decode(self, output: Any, value: Any = None) -> Written:
        """The text; empty where none was asked for."""
        return Written(None, None, text=output.text or "")


def _without_target(view: View) -> View:
    """A view of the input alone."""
    script: Script = view.geometry
    inputs = view.inputs
    if script.tokens and not script.apart:
        inputs = {name: values[: -script.tokens] for name, values in inputs.items()}
    return replace(view, inputs=inputs, target=None, geometry=replace(script, tokens=0))


def _filled(rows: Sequence[Tensor], length: int, filling: int, first: Sequence[int] = ()) -> Tensor:
    """Rows of tokens as (B, length), each from its first place on."""
    filled = torch.full((len(rows), length), filling)
    for row, start, values in zip(filled, first or [0] * len(rows), rows, strict=True):
        row[start : start + len(values)] = values
    return filled


def _losses(network: nn.Module, batch: Batch, label_smoothing: float) -> Tensor:
    """(B,) of each example, summed over the tokens of its target; without rows that only pad the batch."""
    logits: Tensor = network(**batch.inputs)[: len(batch)]
    wanted: Tensor = batch.targets[: len(batch)].to(logits.device, non_blocking=True)
    if not batch.geometry[0].apart:
        # Each token is told by what is before it.
        logits, wanted = logits[:, :-1], wanted[:, 1:]
    losses = functional.cross_entropy(
        logits.flatten(0, 1).float(),
        wanted.flatten(),
        reduction="none",
        ignore_index=NO_TARGET,
        label_smoothing=label_smoothing,
    )
    return losses.view_as(wanted).sum(dim=1)
