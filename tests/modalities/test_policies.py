from dataclasses import fields
from itertools import pairwise
from typing import get_args, get_type_hints

import pytest

from headstart.config.policies import POLICIES, resolve_augmentation
from headstart.config.schema import Augmentation, AugmentConfig


def test_every_policy_that_may_be_asked_for_is_there_and_knows_its_name():
    asked, _ = get_args(get_type_hints(AugmentConfig)["policy"])
    assert set(get_args(asked)) == set(POLICIES)
    assert all(augmentation.policy == name for name, augmentation in POLICIES.items())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_request_without_pieces_is_its_policy(policy):
    assert resolve_augmentation(policy, AugmentConfig()) == POLICIES[policy]
    assert resolve_augmentation(policy, AugmentConfig(policy="strong")) == POLICIES[policy]


@pytest.mark.parametrize("piece", [field.name for field in fields(Augmentation) if field.name != "policy"])
def test_a_piece_that_is_set_overrides_its_policy_also_by_zero(piece):
    value = 0.0 if piece != "crop" else 1.0
    resolved = resolve_augmentation("strong", AugmentConfig(**{piece: value}))
    assert getattr(resolved, piece) == value
    others = {name: number for name, number in vars(resolved).items() if name != piece}
    assert others == {name: number for name, number in vars(POLICIES["strong"]).items() if name != piece}


def test_policies_grow_stronger():
    order = [POLICIES[name] for name in ("none", "light", "medium", "strong")]
    for weaker, stronger in pairwise(order):
        assert weaker.crop > stronger.crop
        for piece in ("rotation", "zoom", "shift", "brightness", "contrast", "saturation", "hue"):
            assert getattr(weaker, piece) <= getattr(stronger, piece)
