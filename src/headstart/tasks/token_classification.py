"""What each word of a text is: names in it, parts of speech."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.contracts import (
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
from headstart.modalities.stacking import stacked
from headstart.modalities.text.words import numbers_of, words_of
from headstart.tasks import word_logits
from headstart.tasks.entities import OUTSIDE, Counts, Span, by_type, spans
from headstart.tasks.heads import Classifier, build_head
from headstart.tasks.labels import balanced, check_known, find_labels
from headstart.tasks.metrics import Floats
from headstart.tasks.options import METRIC_ALONE, main_metric, refuse_unknown
from headstart.tasks.tagged import Tagged, found_entities, listed, shown, tells_entities

# What is no first token of a word, for torch's cross entropy.
IGNORED = -100
ENTITY_METRICS = ("f1", "precision", "recall", "accuracy", "log_loss")
TAG_METRICS = ("accuracy", "log_loss")


@dataclass(frozen=True)
class TokenClassification:
    """A tag for each word, which is read at its first token (Devlin et al., 2019, section 5.3).

    Where tags are those of entities (``B-person``, ``I-person``, ``O``), entities are scored as seqeval
    scores them (see `entities`), and the main metric is their F1. Where no tag looks so, as in parts of
    speech, there are none, and the main metric is the accuracy of words. A word of which the network sees
    no token, as behind the end of a text that was cut, is said to be ``O``; where there is no such tag, it
    is wrong.

    An encoded target is (W,) int64, the place of each word's tag among the labels. An output is (V, L)
    float32, of the words up to the last that was seen; see `word_logits`.

    Attributes:
        labels: every tag, sorted; their order is that of the logits.
        metric: the main one.
    """

    name: ClassVar[str] = "token-classification"
    modality: ClassVar[str] = "words"
    form: ClassVar[str] = "tagged-words"
    asked: ClassVar[str] = '["Ada lives in Oslo."]'
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"log_loss"})
    probed: ClassVar[bool] = False
    located: ClassVar[bool] = True
    single_pass: ClassVar[bool] = True
    exclusive: ClassVar[bool] = True
    multi_label: ClassVar[bool] = False
    unkept: ClassVar[str] = ""
    loss_metric: ClassVar[str] = "log_loss"

    labels: tuple[str, ...]
    metric: str

    @classmethod
    def from_examples(cls, examples: Sequence[Example], options: Mapping[str, Any]) -> Self:
        """The task that these training examples state.

        Args:
            examples: the training split; targets are a tuple of tags, one a word.
            options: ``metric``, the main one.

        Raises:
            DataError: tags that are missing, too few or too many, or all the same.
            ConfigError: an option that is not there or does not go with the tags.
        """
        refuse_unknown(options, METRIC_ALONE, task=cls.name)
        labels = find_labels(examples, multi_label=True)
        if len(labels) == 1:
            raise DataError(
                f"All words of the {len(examples)} training examples have the tag '{labels[0]}'.",
                "Add examples of another tag.",
            )
        metrics = ENTITY_METRICS if tells_entities(labels) else TAG_METRICS
        return cls(labels, main_metric(options, metrics, metrics[0]))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The task from what `state` gave."""
        return cls(tuple(state["labels"]), state["metric"])

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json."""
        return {"labels": list(self.labels), "metric": self.metric}

    @property
    def watched(self) -> str:
        """The main metric itself."""
        return self.metric

    @property
    def output_names(self) -> tuple[str, ...]:
        """The tags."""
        return self.labels

    def encode(self, example: Example) -> np.ndarray:
        """The place of each word's tag among the labels, (W,) int64.

        Raises:
            DataError: an unknown tag, none, or not one a word.
        """
        check_known(example, self._places, multi_label=True)
        count = len(words_of(example.input, name=example.origin or example.id).spans)
        if count != len(example.target):
            raise DataError(
                f"{example.origin or example.id}: {count} words, but {len(example.target)} tags.",
                "Give each word one tag.",
            )
        return np.array([self._places[tag] for tag in example.target], dtype=np.int64)

    def class_weights(self, examples: Sequence[Example]) -> tuple[float, ...]:
        """Weights inverse to the tags' counts, mean 1 over all words; 1 where no word has the tag."""
        return balanced(Counter(tag for example in examples for tag in example.target), self.labels)

    def build(self, backbone: Backbone, head: Head) -> nn.Module:
        """The network: the backbone, and a new head with an output for each tag, at every token.

        Raises:
            ConfigError: a head that normalises over the batch.
        """
        if head.batch_norm:
            raise ConfigError(
                "model.head.batch_norm: would mix the tokens of all texts of a batch.", "Leave it out."
            )
        layers = build_head(backbone.feature_size, len(self.labels), head, bias=backbone.head_bias)
        return Classifier(backbone.module, layers)

    def collate(self, examples: Sequence[Example], views: Sequence[View]) -> Batch:
        """Examples side by side, with the word numbers of the views as geometry, (B, T), -1 elsewhere.

        Targets are (B, T): the tag at the first token of a word, `IGNORED` elsewhere; None where an
        example has none.
        """
        numbers = numbers_of(views)
        targets = None
        if all(example.target is not None for example in examples):
            tags = [torch.from_numpy(self.encode(example)) for example in examples]
            at_words = (own[row.clamp(min=0)] for row, own in zip(numbers, tags, strict=True))
            targets = torch.where(numbers >= 0, torch.stack([*at_words]), IGNORED)
        return Batch(stacked(views), targets, tuple(example.id for example in examples), geometry=numbers)

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        """The batch as it is: texts do not blend."""
        return batch

    def loss(self, network: nn.Module, batch: Batch, objective: Objective) -> tuple[Loss, None]:
        """The summed cross entropy of the words, which are the units, whatever their class weights."""
        logits = self._logits(network, batch)
        # Kept activations are filled up to the longest alone; behind it there are no words.
        targets = batch.targets[: len(batch), : logits.shape[1]]
        weights = None
        if objective.class_weights:
            weights = torch.tensor(objective.class_weights).to(logits.device, non_blocking=True)
        losses = functional.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            weight=weights,
            ignore_index=IGNORED,
            label_smoothing=objective.label_smoothing,
            reduction="none",
        )
        per_example = losses.view(targets.shape).sum(dim=1)
        # The geometry lies on the CPU: counting there waits for no device.
        units = int((batch.geometry[: len(batch)] >= 0).sum())
        return Loss(per_example.sum(), units, per_example.detach()), None

    def outputs(self, network: nn.Module, batch: Batch) -> list[Floats]:
        """The logits of each example's words, float32 on the CPU; see the class."""
        logits = self._logits(network, batch).detach().cpu().numpy()
        return [
            word_logits.of_words(row, numbers)
            for row, numbers in zip(logits, batch.geometry.numpy(), strict=False)
        ]

    quick_outputs = outputs

    def linear_targets(self, targets: Sequence[Any]) -> None:
        """None: a probe has one row an example."""

    def read_head(self, values: Any) -> Sequence[Any]:
        """Never asked: there is no probe."""
        raise TypeError(f"{self.name} has no linear probe")

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """Scores of entities, where tags are those of entities; then of words.

        Accuracy is over all words, the loss is the mean over those that were seen.
        """
        pairs = [
            (self._said(output, len(target)), np.asarray(target))
            for output, target in zip(outputs, targets, strict=True)
        ]
        own: dict[str, Scorer] = {}
        if self.tells_entities:
            found = [[self._entities(self._names(tags)) for tags in pair] for pair in pairs]
            counts = Counts.of([said for said, _ in found], [true for _, true in found])
            own = {"f1": counts.f1(), "precision": counts.precision(), "recall": counts.recall()}
        return own | word_logits.scorers(outputs, pairs)

    def baseline(self, train: Sequence[Any], count: int) -> list[Floats]:
        """`count` times the logits of the tags' frequencies, for as many words as a training text has."""
        return [word_logits.of_frequencies(train, len(self.labels))] * count

    def decode(self, output: Any, value: Any = None) -> Tagged:
        """The tag of each word, and the entities in them with their characters.

        Args:
            output: of `outputs`.
            value: the input; without it, there are no words, and no places of entities.
        """
        if value is None:
            return Tagged(None, None, tags=tuple(self._names(self._said(output, len(output)))))
        said = words_of(value)
        tags = self._names(self._said(output, len(said.spans)))
        found = None
        if self.tells_entities:
            found = found_entities(said, tags, word_logits.probabilities(output, len(said.spans)))
        return Tagged(None, None, words=said.words, tags=tuple(tags), entities=found)

    def cells(self, example: Example, output: Any) -> dict[str, Any]:
        """What is true and what is said, of entities or of all words, and how many words are wrong."""
        said = self._names(self._said(output, len(example.target)))
        text = words_of(example.input)

        def written(tags: Sequence[str]) -> str:
            return listed(text, spans(tags)) if self.tells_entities else " ".join(tags)

        wrong = sum(one != other for one, other in zip(said, example.target, strict=True))
        sides = {"true": written(example.target), "predicted": written(said)}
        return {**sides, "words": len(said), "wrong_words": wrong}

    def exhibits(self, examples: Sequence[Example], outputs: Sequence[Any], ask: Any) -> Exhibits:
        """The examples with the most mistakes, marked; scores by type of entity, or by tag."""
        true = [self._entities(example.target) for example in examples]
        said = [
            self._entities(self._names(self._said(output, len(example.target))))
            for example, output in zip(examples, outputs, strict=True)
        ]
        things = "entities" if self.tells_entities else "words"
        return Exhibits(
            title=things.capitalize(),
            note=f"Test texts; those with the most {things} that were missed or said wrongly come first.",
            shown=shown(examples, said, true, right_too=self.tells_entities),
            per_class=by_type(said, true),
        )

    @cached_property
    def tells_entities(self) -> bool:
        """Whether tags are those of entities."""
        return tells_entities(self.labels)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: place for place, label in enumerate(self.labels)}

    def _logits(self, network: nn.Module, batch: Batch) -> Tensor:
        """(B, T, L), without the rows that only pad the batch."""
        logits: Tensor = network(**batch.inputs)[: len(batch)]
        return logits.float()

    def _said(self, output: Any, count: int) -> np.ndarray:
        """The likeliest tag of each of so many words, (count,); that of outside for what was not seen."""
        return word_logits.said(output, count, unseen=self._places.get(OUTSIDE, -1))

    def _names(self, places: np.ndarray) -> list[str]:
        """Tags by their places among the labels; nothing for -1."""
        return [self.labels[place] if place >= 0 else "" for place in places.tolist()]

    def _entities(self, tags: Sequence[str]) -> set[Span]:
        """The entities in tags; where these tell of none, each word as one."""
        if self.tells_entities:
            return spans(tags)
        return {Span(place, place + 1, tag) for place, tag in enumerate(tags) if tag}
