"""What is put on a backbone, and the two together. Knows nothing of labels or losses."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from headstart.contracts import Head


class Classifier(nn.Module):
    """A backbone and a head on its features."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, **inputs: Tensor) -> Tensor:
        """Inputs by the name that the backbone gives them, to (B, outputs)."""
        outputs: Tensor = self.head(self.backbone(**inputs))
        return outputs


class RowsNorm(nn.BatchNorm1d):
    """BatchNorm of rows; one row alone has no spread and is normalised as in evaluation.

    A last batch may be one example, and so may be what fits in memory.
    """

    def forward(self, rows: Tensor) -> Tensor:
        """(B, D) to (B, D)."""
        if len(rows) > 1 or not self.training:
            return super().forward(rows)
        return functional.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def build_head(feature_size: int, outputs: int, head: Head, *, bias: bool = True) -> nn.Module:
    """Layers from (B, feature_size) to (B, outputs); a plain linear layer where nothing else is asked.

    Args:
        feature_size: width of the features.
        outputs: of the last layer.
        head: what is put there.
        bias: whether the last layer has one.
    """
    widths = (feature_size, *head.hidden)
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += _linear(width, following, head.dropout)
        if head.batch_norm:
            layers.append(RowsNorm(following))
        layers.append(nn.ReLU())
    layers += _linear(widths[-1], outputs, head.dropout, bias=bias)
    return layers[0] if len(layers) == 1 else nn.Sequential(*layers)


def _linear(width: int, following: int, dropout: float, *, bias: bool = True) -> list[nn.Module]:
    linear = nn.Linear(width, following, bias=bias)
    return [nn.Dropout(dropout), linear] if dropout else [linear]
