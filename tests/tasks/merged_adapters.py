"""What adapters of a writing network give beside its weights, and added to them."""

import copy
from typing import Any

import torch
from torch import nn

from headstart.contracts import Adapters, Backbone, Batch, Objective
from headstart.training.adapters import attach, merge


def assert_merged_is_the_same(task: Any, network: nn.Module, backbone: Backbone, batch: Batch) -> None:
    """The losses of a batch; and that the adapters change them at all."""
    changed, boundaries = copy.deepcopy(network), backbone.boundaries
    adapted = attach(changed, boundaries, {b.name for b in boundaries}, Adapters(2, 4), seed=0)
    with torch.no_grad():
        for boundary in adapted:
            for name in boundary.parameters:
                changed.backbone.get_parameter(name).add_(0.1)
    with torch.inference_mode():
        beside, _ = task.loss(changed, batch, Objective())
        merge(changed)
        merged, _ = task.loss(changed, batch, Objective())
        before, _ = task.loss(network, batch, Objective())
    torch.testing.assert_close(merged.per_example, beside.per_example, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(merged.per_example, before.per_example, rtol=1e-3)
