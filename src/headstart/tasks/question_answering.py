"""Which stretch of a context answers a question.

A context of any length is read in overlapping windows (Devlin et al., 2019, as their code does it on
SQuAD). In each, the two logits of a token say whether the answer begins and whether it ends there; the
first token stands for "not in this window". In training an example shows one window an epoch, every
second time one that holds the answer; in evaluation all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from headstart.contracts import (
    Answer,
    Backbone,
    Batch,
    Example,
    Exhibits,
    Head,
    Loss,
    Objective,
    Scorer,
    View,
)
from headstart.errors import ConfigError, DataError
from headstart.modalities.text.windows import WindowsModality
from headstart.tasks import answer_scores, metrics
from headstart.tasks.answers import Answered, Truth
from headstart.tasks.answers_shown import Asked, exhibits_of
from headstart.tasks.heads import Classifier, build_head
from headstart.tasks.options import METRIC_ALONE, main_metric, refuse_unknown
from headstart.tasks.spans import Spans, best_spans
from headstart.tasks.window_batches import evaluation_losses, side_by_side, training_losses, window_logits

# Logits a token: of begin and end.
OUTPUTS = 2
METRICS = ("f1", "exact_match", "loss")


@dataclass(frozen=True)
class QuestionAnswering:
    """Extractive question answering.

    Attributes:
        metric: the main one.
        may_be_unanswerable: whether it can say that a context has no answer: questions of the training
            data had none.
    """

    name: ClassVar[str] = "question-answering"
    modality: ClassVar[str] = "windows"
    form: ClassVar[str] = "questions"
    asked: ClassVar[str] = '[("Who?", "some context")]'
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"loss"})
    probed: ClassVar[bool] = False
    located: ClassVar[bool] = True
    single_pass: ClassVar[bool] = True
    unkept: ClassVar[str] = "an example is several windows"
    loss_metric: ClassVar[str] = "loss"
    labels: ClassVar[tuple[str, ...]] = ()
    output_names: ClassVar[tuple[str, ...]] = ()
    exclusive: ClassVar[bool] = True
    multi_label: ClassVar[bool] = False

    metric: str = METRICS[0]
    may_be_unanswerable: bool = False

    @classmethod
    def from_examples(cls, examples: Sequence[Example], options: Mapping[str, Any]) -> Self:
        """The task that these training examples state.

        Args:
            examples: the training split.
            options: ``metric``, the main one.

        Raises:
            DataError: no question has an answer.
            ConfigError: an option or metric that is not there.
        """
        refuse_unknown(options, METRIC_ALONE, task=cls.name)
        metric = main_metric(options, METRICS, METRICS[0])
        if not any(example.target for example in examples):
            raise DataError(
                f"None of the {len(examples)} questions has an answer.", "Give answers, or another column."
            )
        return cls(metric, any(example.target == () for example in examples))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The task from what `state` gave."""
        return cls(state["metric"], state["may_be_unanswerable"])

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json."""
        return {"metric": self.metric, "may_be_unanswerable": self.may_be_unanswerable}

    @property
    def watched(self) -> str:
        """The main metric itself."""
        return self.metric

    def encode(self, example: Example) -> Truth:
        """The context and its answers.

        Raises:
            DataError: it is not known whether there is an answer.
        """
        target = example.target
        if not isinstance(target, tuple) or not all(isinstance(answer, Answer) for answer in target):
            raise DataError(
                f"{example.origin or example.id}: has no answers.",
                "Give them; an empty text says that the context has none.",
            )
        return Truth(example.input[1], target)

    def class_weights(self, examples: Sequence[Example]) -> tuple[float, ...]:
        """None: there are no classes."""
        return ()

    def build(self, backbone: Backbone, head: Head) -> nn.Module:
        """The network: the backbone, and a head with two outputs a token, the checkpoint's if it has one.

        Raises:
            ConfigError: a head that would normalise over tokens that only fill up.
        """
        if head.batch_norm:
            raise ConfigError(
                f"model.head.batch_norm: has no meaning for {self.name}, whose head sees each token apart.",
                "Leave it false.",
            )
        layers = build_head(backbone.feature_size, OUTPUTS, head, bias=backbone.head_bias)
        if backbone.last_layer is not None and isinstance(layers, nn.Linear):
            layers.load_state_dict(backbone.last_layer.state_dict())
        return Classifier(backbone.module, layers)

    def collate(self, examples: Sequence[Example], views: Sequence[View]) -> Batch:
        """Examples side by side: inputs are (B, K, T), K windows of T tokens; see `side_by_side`.

        In training, which the draw of a view tells, K is 1. Targets are None where an example has none.
        """
        known = all(example.target is not None for example in examples)
        answers = [self.encode(example).first if known else None for example in examples]
        inputs, targets, geometry = side_by_side(views, answers)
        ids = tuple(example.id for example in examples)
        return Batch(inputs, targets if known else None, ids, geometry=geometry)

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        """The batch as it is: texts cannot be blended."""
        return batch

    def loss(self, network: nn.Module, batch: Batch, objective: Objective) -> tuple[Loss, None]:
        """The summed loss of the examples of the batch; of each, the mean over the windows that it shows.

        Of a window, it is the mean of the cross-entropies of begin and end over the tokens that may be
        said: those of the context and the first one.
        """
        per_example = training_losses(network, batch, objective.label_smoothing)
        return Loss(per_example.sum(), len(batch), per_example.detach()), None

    def outputs(self, network: nn.Module, batch: Batch) -> list[Spans]:
        """The likeliest answers of each example, over all windows."""
        logits = window_logits(network, batch)
        return [
            best_spans(own.numpy(), windows, loss=loss)
            for own, windows, loss in zip(
                logits, batch.geometry, evaluation_losses(logits, batch), strict=False
            )
        ]

    quick_outputs = outputs

    def linear_targets(self, targets: Sequence[Any]) -> None:
        """None: a probe has no meaning here."""

    def read_head(self, values: Any) -> Sequence[Any]:
        """Never called: there is no probe."""
        raise TypeError(f"{self.name} has no linear probe")

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """F1 and exact match as SQuAD counts them, and the loss.

        Args:
            outputs: N `Spans`.
            targets: N `Truth`s.
        """
        said = [
            self._answer(output, truth.context).answer or ""
            for output, truth in zip(outputs, targets, strict=True)
        ]
        golds = [truth.texts for truth in targets]
        return {
            "f1": answer_scores.f1(said, golds),
            "exact_match": answer_scores.exact_match(said, golds),
            "loss": metrics.mean(np.array([output.loss for output in outputs], dtype=np.float64)),
        }

    def baseline(self, train: Sequence[Any], count: int) -> None:
        """None: an answer that looks at no question means nothing."""

    def decode(self, output: Any, value: Any = None) -> Answered:
        """The likeliest answer, or that there is none.

        Args:
            output: `Spans`.
            value: question and context.
        """
        if value is None:
            raise TypeError("an answer is read in its context")
        return self._answer(output, _context(value))

    def cells(self, example: Example, output: Any) -> dict[str, Any]:
        """The question, what is true and what is said, and how far they agree."""
        said, truth = self.decode(output, example.input), self.encode(example)
        return {
            "question": example.input[0],
            "true": "|".join(truth.texts),
            "predicted": said.answer,
            "score": said.score,
            "start": said.start,
            "stop": said.stop,
            "f1": answer_scores.overlap(said.answer or "", truth.texts),
        }

    def exhibits(self, examples: Sequence[Example], outputs: Sequence[Any], ask: Any) -> Exhibits:
        """Contexts with what was said and what is true, mistakes first."""
        said = [self.decode(output, example.input) for example, output in zip(examples, outputs, strict=True)]
        return exhibits_of(
            [
                Asked(
                    id=example.id,
                    question=example.input[0],
                    context=example.input[1],
                    place=None if one.start is None or one.stop is None else (one.start, one.stop),
                    score=one.score or 0.0,
                    answers=self.encode(example).answers,
                )
                for example, one in zip(examples, said, strict=True)
            ]
        )

    def _answer(self, output: Spans, context: str) -> Answered:
        """The likeliest answer; none where that is likelier, and training data had such questions."""
        probabilities = output.probabilities(none=self.may_be_unanswerable)
        nothing = not len(output.scores) or (
            self.may_be_unanswerable and output.none > float(output.scores[0])
        )
        if nothing:
            return Answered(label=None, score=float(probabilities[-1]))
        start, stop = output.places[0].tolist()
        return Answered(
            label=None, score=float(probabilities[0]), answer=context[start:stop], start=start, stop=stop
        )


def _context(value: Any) -> str:
    """The context of an input, which may be a file."""
    return WindowsModality.read(value, name="the input")[1]
