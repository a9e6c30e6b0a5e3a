"""Augmentation policies by name, and how a user's own pieces override them. Knows no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from headstart.config.schema import Augmentation, AugmentConfig

POLICIES: Mapping[str, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(policy="light", horizontal_flip=0.5, crop=0.7, brightness=0.1, contrast=0.1),
    "medium": Augmentation(
        policy="medium",
        horizontal_flip=0.5,
        rotation=10,
        zoom=0.1,
        shift=0.05,
        crop=0.5,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
    ),
    "strong": Augmentation(
        policy="strong",
        horizontal_flip=0.5,
        rotation=20,
        zoom=0.2,
        shift=0.1,
        crop=0.25,
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=0.05,
    ),
    "trivial": Augmentation(policy="trivial", horizontal_flip=0.5, crop=0.35),
}


def resolve_augmentation(policy: str, config: AugmentConfig) -> Augmentation:
    """The augmentation of a policy, in which every piece that the user set is the user's.

    Args:
        policy: a key of `POLICIES`: the user's choice, or the plan's where the user made none.
        config: what the user set; its own `policy` is not looked at.
    """
    pieces = {name: value for name, value in asdict(config).items() if value is not None}
    return replace(POLICIES[policy], **{**pieces, "policy": policy})
