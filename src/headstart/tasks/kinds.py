"""The three ways in which a row of logits is read. Knows no labels' names and no network.

- `Softmax`: one label of many.
- `Sigmoid`: one class or not, of exactly two labels, from one logit.
- `MultiLabel`: any number of labels, each for itself.

Logits and targets are (N, C) everywhere; targets are shares in [0, 1], which mixup makes soft.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from headstart.contracts import Scorer
from headstart.errors import ConfigError
from headstart.tasks import metrics
from headstart.tasks.metrics import Bools, Floats


class Kind(Protocol):
    """A way to read a row of logits."""

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    main_metric: ClassVar[str]
    exclusive: ClassVar[bool]
    """Whether the head's outputs are one choice (softmax), or questions apart (a sigmoid each)."""

    def head_outputs(self, labels: int) -> int:
        """How many outputs the head has for so many labels."""
        ...

    def head_targets(self, targets: Floats) -> Floats:
        """(N, C) targets as the head's outputs are to meet them, (N, outputs)."""
        ...

    def logits(self, outputs: Tensor) -> Tensor:
        """One logit a label, (B, C), from the head's outputs."""
        ...

    def losses(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
    ) -> Tensor:
        """The loss of each example, (B,).

        Args:
            logits: (B, C).
            targets: (B, C).
            weights: (C,), of each label.
            smoothing: share of the target spread over all answers (Szegedy et al., 2016).
        """
        ...

    def probabilities(self, logits: Floats) -> Floats:
        """(N, C) or (C,) logits to probabilities, float64."""
        ...

    def chosen(self, logits: Floats) -> Bools:
        """Which labels these logits say, (N, C)."""
        ...

    def logits_of(self, probabilities: Floats) -> Floats:
        """Logits that give these probabilities, (C,)."""
        ...

    def scorers(self, logits: Floats, truth: Bools) -> dict[str, Scorer]:
        """The metrics that `metrics` names, of (N, C) logits and true labels."""
        ...


class _LogitALabel:
    """The head has an output for each label, and that is its logit."""

    def head_outputs(self, labels: int) -> int:
        """One for each label."""
        return labels

    def head_targets(self, targets: Floats) -> Floats:
        """The targets themselves."""
        return targets

    def logits(self, outputs: Tensor) -> Tensor:
        """The outputs themselves, as float32."""
        return outputs.float()


class Softmax(_LogitALabel):
    """One label of many: the probabilities sum to one; the loss is cross entropy.

    A label's weight multiplies its share of the target, so that the example counts that much.
    """

    name: ClassVar[str] = "softmax"
    metrics: ClassVar[tuple[str, ...]] = (
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "auroc",
        "log_loss",
        "ece",
    )
    main_metric: ClassVar[str] = "accuracy"
    exclusive: ClassVar[bool] = True

    def losses(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
    ) -> Tensor:
        """Cross entropy with soft targets."""
        return functional.cross_entropy(
            logits, targets, weight=weights, label_smoothing=smoothing, reduction="none"
        )

    def probabilities(self, logits: Floats) -> Floats:
        """Softmax over the labels."""
        return torch.softmax(_tensor(logits), dim=-1).numpy()

    def chosen(self, logits: Floats) -> Bools:
        """The highest; of equal ones the first."""
        return _first_highest(logits)

    def logits_of(self, probabilities: Floats) -> Floats:
        """Their logarithms."""
        return np.log(probabilities)

    def scorers(self, logits: Floats, truth: Bools) -> dict[str, Scorer]:
        """Of one label of many; with two labels, AUROC is that of the second."""
        probabilities, chosen = self.probabilities(logits), self.chosen(logits)
        correct = truth[chosen]
        # Two columns would give the same area twice.
        first = 1 if truth.shape[1] == 2 else 0
        return {
            "accuracy": metrics.mean(correct),
            "balanced_accuracy": metrics.balanced_accuracy(truth, chosen),
            "macro_f1": metrics.macro_f1(truth, chosen),
            "auroc": metrics.auroc(probabilities[:, first:], truth[:, first:]),
            "log_loss": _log_loss(self, logits, truth),
            "ece": metrics.expected_calibration_error(probabilities.max(axis=1), correct),
        }


class Sigmoid(Softmax):
    """One class or not: the head gives one logit z, of the second label; the loss is binary cross entropy.

    The row is (0, z): its softmax is (1 - sigmoid(z), sigmoid(z)) and its cross entropy the binary
    one, so that all that follows the head is that of two labels.
    """

    name: ClassVar[str] = "sigmoid"
    exclusive: ClassVar[bool] = False

    def head_outputs(self, labels: int) -> int:
        """One."""
        return 1

    def head_targets(self, targets: Floats) -> Floats:
        """The second label's."""
        return targets[:, 1:]

    def logits(self, outputs: Tensor) -> Tensor:
        """(B, 1) to (B, 2)."""
        second = outputs.float()
        return torch.cat([torch.zeros_like(second), second], dim=1)


class MultiLabel(_LogitALabel):
    """Any number of labels: a sigmoid each; the loss is the mean over labels of binary cross entropy.

    A label's weight multiplies the loss of the examples that have it, not of those that do not.
    """

    name: ClassVar[str] = "multi-label"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "micro_f1", "auroc", "log_loss")
    main_metric: ClassVar[str] = "macro_f1"
    exclusive: ClassVar[bool] = False

    def losses(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
    ) -> Tensor:
        """Binary cross entropy; smoothing is over yes and no."""
        smooth = targets * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(
            logits, smooth, pos_weight=weights, reduction="none"
        ).mean(dim=1)

    def probabilities(self, logits: Floats) -> Floats:
        """Sigmoid of each."""
        return torch.sigmoid(_tensor(logits)).numpy()

    def chosen(self, logits: Floats) -> Bools:
        """Those more probable than not."""
        return logits > 0

    def logits_of(self, probabilities: Floats) -> Floats:
        """Their log odds."""
        return np.log(probabilities) - np.log1p(-probabilities)

    def scorers(self, logits: Floats, truth: Bools) -> dict[str, Scorer]:
        """Of several labels; accuracy is of whole answers, every label right."""
        chosen = self.chosen(logits)
        return {
            "accuracy": metrics.mean((truth == chosen).all(axis=1)),
            "macro_f1": metrics.macro_f1(truth, chosen),
            "micro_f1": metrics.micro_f1(truth, chosen),
            "auroc": metrics.auroc(logits, truth),
            "log_loss": _log_loss(self, logits, truth),
        }


SOFTMAX, SIGMOID, MULTI_LABEL = Softmax(), Sigmoid(), MultiLabel()
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (SOFTMAX, SIGMOID, MULTI_LABEL)}


def choose_kind(*, labels: int, multi_label: bool, loss: str | None) -> Kind:
    """The kind for so many labels; `loss` is the user's "softmax" or "sigmoid", or None.

    Raises:
        ConfigError: a loss that is not there or does not go with these labels.
    """
    if loss not in (None, "softmax", "sigmoid"):
        raise ConfigError(f"train.loss: must be 'softmax' or 'sigmoid'. Got '{loss}'.")
    if multi_label and loss == "softmax":
        raise ConfigError(
            "train.loss: 'softmax' gives one label an example, but these have several.",
            "Use 'sigmoid', or leave it out.",
        )
    if multi_label:
        return MULTI_LABEL
    if loss == "sigmoid" and labels != 2:
        raise ConfigError(
            f"train.loss: 'sigmoid' tells two labels apart, but there are {labels}.",
            "Use 'softmax', or leave it out.",
        )
    return SIGMOID if loss == "sigmoid" else SOFTMAX


def _log_loss(kind: Kind, logits: Floats, truth: Bools) -> Scorer:
    return metrics.mean(kind.losses(_tensor(logits), _tensor(truth)).numpy())


def _first_highest(rows: Floats) -> Bools:
    highest = np.zeros(rows.shape, dtype=bool)
    np.put_along_axis(highest, rows.argmax(axis=-1, keepdims=True), True, axis=-1)
    return highest


def _tensor(values: Floats | Bools) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)
