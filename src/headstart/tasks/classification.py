"""What every classification task shares, whatever its input: labels, loss, mixup, outputs, decoding.

A task of one modality subclasses `Classification` and names itself and its modality. How logits
are read is its `kind`; an encoded target, a row of a batch's targets and an output are each one
(C,) row, so that they stack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from headstart.contracts import (
    HEAD,
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
from headstart.modalities.stacking import stacked
from headstart.tasks.contrast import contrast
from headstart.tasks.heads import Classifier, build_head
from headstart.tasks.kinds import KINDS, MULTI_LABEL, Kind, choose_kind
from headstart.tasks.labels import balanced, check_known, find_labels, has_several, label_names
from headstart.tasks.metrics import Bools, Floats
from headstart.tasks.options import main_metric, refuse_unknown


@dataclass(frozen=True)
class Classification:
    """Which label, or which labels, an input has.

    Attributes:
        labels: sorted; their order is that of the logits.
        kind: how a row of logits is read.
        metric: the main one.
    """

    name: ClassVar[str]
    modality: ClassVar[str]
    form: ClassVar[str]
    asked: ClassVar[str]
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"log_loss", "ece"})
    probed: ClassVar[bool] = True
    located: ClassVar[bool] = False
    single_pass: ClassVar[bool] = True
    unkept: ClassVar[str] = ""
    loss_metric: ClassVar[str] = "log_loss"
    option_names: ClassVar[tuple[str, ...]] = ("multi_label", "loss", "metric")

    labels: tuple[str, ...]
    kind: Kind
    metric: str

    @classmethod
    def from_examples(cls, examples: Sequence[Example], options: Mapping[str, Any]) -> Self:
        """The task that these training examples state.

        Args:
            examples: the training split; targets are a label, or a tuple of labels.
            options: ``multi_label``, whether one example may have several labels (None looks);
                ``loss``, "softmax", or "sigmoid" for exactly two labels; ``metric``, the main one.

        Raises:
            DataError: labels that are missing, too many, or all the same.
            ConfigError: an option that is not there or does not go with the labels.
        """
        refuse_unknown(options, cls.option_names, task=cls.name)
        multi_label = options.get("multi_label")
        if multi_label is None:
            multi_label = has_several(examples)
        labels = find_labels(examples, multi_label=multi_label)
        kind = choose_kind(labels=len(labels), multi_label=multi_label, loss=options.get("loss"))
        return cls(labels, kind, main_metric(options, kind.metrics, kind.main_metric))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The task from what `state` gave."""
        return cls(tuple(state["labels"]), KINDS[state["kind"]], state["metric"])

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json."""
        return {"labels": list(self.labels), "kind": self.kind.name, "metric": self.metric}

    @property
    def watched(self) -> str:
        """The main metric itself."""
        return self.metric

    @property
    def multi_label(self) -> bool:
        """Whether one example may have several labels."""
        return self.kind is MULTI_LABEL

    @property
    def output_names(self) -> tuple[str, ...]:
        """The labels; of two that share an output, the one that it speaks for."""
        return self.labels[-self.kind.head_outputs(len(self.labels)) :]

    @property
    def exclusive(self) -> bool:
        """Whether outputs are one choice, as the kind has it."""
        return self.kind.exclusive

    def encode(self, example: Example) -> Floats:
        """The example's labels as a (C,) float32 row of zeros and ones.

        Raises:
            DataError: an unknown label, none, or several where one is expected.
        """
        check_known(example, self._columns, multi_label=self.multi_label)
        row = np.zeros(len(self.labels), dtype=np.float32)
        row[[self._columns[name] for name in label_names(example)]] = 1
        return row

    def class_weights(self, examples: Sequence[Example]) -> tuple[float, ...]:
        """Weights inverse to the labels' counts, mean 1 over all labels given; 1 where none was."""
        return balanced(Counter(name for example in examples for name in label_names(example)), self.labels)

    def build(self, backbone: Backbone, head: Head) -> nn.Module:
        """The network: the backbone, and a new head with an output for each logit."""
        outputs = self.kind.head_outputs(len(self.labels))
        layers = build_head(backbone.feature_size, outputs, head, bias=backbone.head_bias)
        return Classifier(backbone.module, layers)

    def collate(self, examples: Sequence[Example], views: Sequence[View]) -> Batch:
        """Examples side by side; targets are (B, C) float32, or None where an example has none."""
        inputs = stacked(views)
        targets = None
        if all(example.target is not None for example in examples):
            targets = torch.from_numpy(np.stack([self.encode(example) for example in examples]))
        return Batch(inputs, targets, tuple(example.id for example in examples))

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        """Each example blended with another, input and target alike (mixup; Zhang et al., 2018).

        One share is drawn a batch from Beta(strength, strength). A batch without targets, or with
        inputs that are not continuous (token ids), stays as it is. Rows that only pad it fall away.
        """
        continuous = all(values.is_floating_point() for values in batch.inputs.values())
        if strength == 0 or batch.targets is None or not continuous:
            return batch
        place = generator.device
        # Torch draws no Beta from a generator of its own; numpy does, seeded from it.
        seed = int(torch.randint(2**62, (), generator=generator, device=place))
        share = np.random.default_rng(seed).beta(strength, strength)
        partners = torch.randperm(len(batch), generator=generator, device=place)

        def blend(values: Tensor) -> Tensor:
            values = values[: len(batch)]
            others = values[partners.to(values.device, non_blocking=True)]
            return torch.lerp(others, values, share)

        inputs = {name: blend(values) for name, values in batch.inputs.items()}
        return replace(batch, inputs=inputs, targets=blend(batch.targets))

    def loss(self, network: nn.Module, batch: Batch, objective: Objective) -> tuple[Loss, Tensor]:
        """The summed loss of the batch, and its (B, C) logits.

        Units are examples, whatever their class weights: these have mean 1 over the training
        split, and a divisor that does not depend on which labels a step drew keeps the
        gradient an unbiased one of the weighted loss.
        """
        logits = self._logits(network, batch)
        weights = None
        if objective.class_weights:
            weights = torch.tensor(objective.class_weights).to(logits.device, non_blocking=True)
        per_example = self.kind.losses(
            logits, batch.targets[: len(batch)], weights, objective.label_smoothing
        )
        return Loss(per_example.sum(), len(batch), per_example.detach()), logits.detach()

    def contrast(self, network: nn.Module, batch: Batch) -> Loss:
        """The summed contrast of the examples of the batch on their features; see `contrast`."""
        seen: list[Tensor] = []
        head = network.get_submodule(HEAD)
        # Wherever the batch enters the network, this is what its head is given.
        hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            network(**batch.inputs)
        finally:
            hook.remove()
        per_example = contrast(seen[0][: len(batch)], batch.targets[: len(batch)])
        return Loss(per_example.sum(), len(batch), per_example.detach())

    def outputs(self, network: nn.Module, batch: Batch) -> list[Floats]:
        """A row of logits for each example, (C,) float32 on the CPU."""
        return _rows(self._logits(network, batch))

    quick_outputs = outputs

    def linear_targets(self, targets: Sequence[Any]) -> LinearTargets:
        """N encoded targets as the head's outputs are to meet them."""
        return LinearTargets(self.kind.head_targets(self._matrix(targets)), self.kind.exclusive)

    def read_head(self, values: Any) -> list[Floats]:
        """Outputs, as `outputs` gives them, from (N, outputs) values of a linear head."""
        return _rows(self.kind.logits(torch.as_tensor(values)))

    def probabilities(self, outputs: Sequence[Any]) -> Floats:
        """(N, C) float64 of N outputs."""
        return self.kind.probabilities(self._matrix(outputs))

    def chosen(self, outputs: Sequence[Any]) -> Bools:
        """Which labels N outputs say, (N, C)."""
        return self.kind.chosen(self._matrix(outputs))

    def truth(self, targets: Sequence[Any]) -> Bools:
        """Which labels N encoded targets mean, (N, C); those that mixup made soft, what they are most."""
        # Read as logits, for which 0 is even, where for shares it is one half.
        return self.kind.chosen(self._matrix(targets) - 0.5)

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """Every metric of the task, as functions of example weights; see `metrics`.

        Args:
            outputs: N rows of logits.
            targets: N encoded targets, or those of a batch.
        """
        return self.kind.scorers(self._matrix(outputs), self.truth(targets))

    def baseline(self, train: Sequence[Any], count: int) -> list[Floats]:
        """`count` times the logits of the labels' frequencies in the encoded training targets."""
        frequencies = np.mean(train, axis=0, dtype=np.float64)
        # Half an example: a label that none or all had is not thought impossible or certain.
        least = 0.5 / len(train)
        row = self.kind.logits_of(np.clip(frequencies, least, 1 - least))
        return [row.astype(np.float32)] * count

    def decode(self, output: Any, value: Any = None) -> Prediction:
        """The probable label, or the labels that are more probable than not where several may apply."""
        row = np.asarray(output)
        scores = dict(zip(self.labels, self.kind.probabilities(row).tolist(), strict=True))
        chosen = tuple(label for label, says in zip(self.labels, self.kind.chosen(row), strict=True) if says)
        label = chosen[0] if len(chosen) == 1 else None
        return Prediction(
            label=label,
            score=None if label is None else scores[label],
            scores=scores,
            labels=chosen if self.multi_label else (),
        )

    def cells(self, example: Example, output: Any) -> dict[str, Any]:
        """What is true, what is said with its probability, and every label's."""
        said = self.decode(output)
        answer = said.cells()
        return {
            "true": "|".join(label_names(example)),
            "predicted": answer["label"],
            "score": answer["score"],
            **{f"score:{label}": score for label, score in said.scores.items()},
        }

    def exhibits(self, examples: Sequence[Example], outputs: Sequence[Any], ask: Any) -> None:
        """None: the report has tables and charts of labels."""

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {label: column for column, label in enumerate(self.labels)}

    def _matrix(self, rows: Sequence[Any] | Tensor) -> Floats:
        """Rows of a number for each label as (N, C), also where there are none."""
        stacked = rows.cpu().numpy() if isinstance(rows, Tensor) else np.asarray(rows)
        return stacked.reshape(-1, len(self.labels))

    def _logits(self, network: nn.Module, batch: Batch) -> Tensor:
        """Without the rows that only pad the batch."""
        return self.kind.logits(network(**batch.inputs)[: len(batch)])


def _rows(logits: Tensor) -> list[Floats]:
    return list(logits.detach().cpu().numpy())
