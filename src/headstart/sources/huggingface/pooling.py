"""Mean pooling for encoders like BERT, in the form that transformers itself can load.

A sentence encoder gives the mean of its tokens, but the classifiers of transformers for BERT and its
kin look at the first token alone. One more block, whose attention weighs all tokens alike, brings
their mean to the first token: ``LayerNorm(STRENGTH * mean + own)``. Its feed-forward part adds nothing
at first, and the pooler hands on. All of it is ordinary weights, which training may change.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

# How much more the mean counts than the first token itself.
STRENGTH = 32.0
# A pooler ends in tanh; values this small pass almost unchanged.
SCALE = 0.25


def asks_for_mean(folder: Path) -> bool:
    """Whether a checkpoint is a sentence encoder whose tokens are to be averaged."""
    try:
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    modes = {name for name, value in pooling.items() if name.startswith("pooling_mode_") and value}
    return modes == {"pooling_mode_mean_tokens"}


def can_average(model: nn.Module) -> bool:
    """Whether a network has blocks and a pooler as BERT has them."""
    encoder = _encoder(model)
    attention = getattr(encoder[-1], "attention", None) if encoder else None
    layers = (
        *(getattr(getattr(attention, "self", None), name, None) for name in ("query", "key", "value")),
        getattr(getattr(attention, "output", None), "dense", None),
    )
    return all(isinstance(layer, nn.Linear) for layer in layers) and _pooler(model) is not None


def add_mean_pooling(model: nn.Module) -> None:
    """Put the block on top, and let the pooler hand on what it gives; the configuration counts it."""
    encoder, pooler = _encoder(model), _pooler(model)
    if encoder is None or pooler is None:
        raise ValueError("no blocks as BERT has them")
    block: Any = copy.deepcopy(encoder[-1])
    attention, output = block.attention.self, block.attention.output
    width = attention.query.in_features
    identity = torch.eye(width)
    with torch.no_grad():
        # Keys stay as they were: were they zero as well, neither they nor the queries would ever learn.
        _set(attention.query, torch.zeros_like(identity))
        _set(attention.value, identity)
        _set(output.dense, STRENGTH * identity)
        _set(pooler, SCALE * identity)
        block.output.dense.weight.zero_()
        block.output.dense.bias.zero_()
        for norm in (output.LayerNorm, block.output.LayerNorm):
            norm.weight.fill_(1.0)
            norm.bias.zero_()
    encoder.append(block)
    config: Any = model.config
    config.num_hidden_layers += 1


def _set(layer: nn.Linear, weight: Tensor) -> None:
    layer.weight.copy_(weight)
    layer.bias.zero_()


def _encoder(model: nn.Module) -> nn.ModuleList | None:
    for name, part in model.named_modules():
        if name.endswith("encoder.layer") and isinstance(part, nn.ModuleList):
            return part
    return None


def _pooler(model: nn.Module) -> nn.Linear | None:
    """The square layer that ends in tanh, before the classifier."""
    for name, part in model.named_modules():
        if name.endswith(("pooler.dense", "classifier.dense")) and isinstance(part, nn.Linear):
            return part
    return None
