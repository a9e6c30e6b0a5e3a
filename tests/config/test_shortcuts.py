"""Short names of keys."""

from __future__ import annotations

import pytest

from headstart.config.load import load
from headstart.config.shortcuts import SHORTCUTS, expand
from headstart.errors import ConfigError


def test_every_shortcut_names_a_key_of_the_schema() -> None:
    values = {"time_limit": 1.0, "lr": 0.1, "epochs": 1, "batch_size": 1, "image_size": 8, "seed": 1}
    assert load(None, expand({name: values.get(name, "x") for name in SHORTCUTS}))


def test_what_was_not_given_is_left_out() -> None:
    assert expand({"epochs": 3, "lr": None}) == {"train.epochs": 3}


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"fit: epoch: unknown argument\. Did you mean 'epochs'\?"):
        expand({"epoch": 3})
