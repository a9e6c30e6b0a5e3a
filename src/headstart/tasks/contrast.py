"""The contrast of examples by label: a loss on features. Knows no network and no labels' names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrast(features: Tensor, targets: Tensor) -> Tensor:
    """How far examples that share a label are from one direction, and others from a right angle.

    For each example, the squared error of its cosine to all others, which is to be 1 where they share a
    label and 0 where not (as SetFit asks of pairs; Tunstall et al., 2022): the mean over those that
    share one and the mean over the others, half each, so that both count alike however many there are.

    Args:
        features: (B, D).
        targets: (B, C) in [0, 1].

    Returns:
        (B,), 0 for an example without others.
    """
    directions = functional.normalize(features.float(), dim=1)
    alike = ((targets @ targets.T) > 0).float()
    others = 1 - torch.eye(len(features), device=features.device)
    errors = (directions @ directions.T - alike).square()
    sides = [_mean(errors, alike * others), _mean(errors, (1 - alike) * others)]
    return (sides[0] + sides[1]) / 2


def _mean(errors: Tensor, chosen: Tensor) -> Tensor:
    """Of the chosen ones in each row; 0 where there is none."""
    return (errors * chosen).sum(dim=1) / chosen.sum(dim=1).clamp(min=1)
