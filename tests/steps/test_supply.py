"""What is kept of frozen layers is only ever taken for what the same layers give of the same pixels."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from headstart.config.load import load
from headstart.config.policies import POLICIES
from headstart.config.schema import Config
from headstart.contracts import Backbone, Head
from headstart.sources.resolve import load as load_backbone
from headstart.steps import keeping
from headstart.steps.cuts import plain_network
from headstart.steps.keeping import cache_of
from headstart.steps.layers import Layers
from headstart.steps.prepare import Inspected, Prepared, inspect, prepare
from headstart.store.cache import Cache
from headstart.training.machine import machine_facts

SIDE = 64
BUILTIN = "builtin:efficientnet-lite0"
IMAGES: dict[str, Any] = {"task": "image-classification", "family": "image", "image_size": SIDE}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of large, smooth images, whose crops are cut from scaled ones."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("photos")
    for label in ("dark", "light"):
        (folder / label).mkdir()
        for number in range(6):
            noise = random.integers(0, 255, (30, 40, 3)).astype(np.uint8)
            Image.fromarray(noise).resize((400, 300)).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Writes how a folder's weights, always the same ones, are put together; gives the model's name."""
    folder = tmp_path_factory.mktemp("checkpoint")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet", num_classes=2)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        folder / "model.safetensors",
    )

    def write(pooling: str) -> str:
        state = {"architecture": "test_resnet", "num_classes": 2, "model_args": {"global_pool": pooling}}
        (folder / "config.json").write_text(json.dumps(state))
        return f"local:{folder}"

    return write


def request(photos: Path, cache: Path, model: str, **settings: Any) -> Config:
    given = {"data.path": str(photos), "cache.path": str(cache), "model.name": model}
    return load(None, {**given, "model.image_size": SIDE, **settings})


def inspected(config: Config) -> tuple[Inspected, Backbone, Cache | None]:
    backbone = load_backbone(config.model.name, **IMAGES)
    cache, why = cache_of(config)
    found = inspect(config, notify=lambda event: None, backbone=backbone, cache=cache, why=why)
    return found, backbone, cache


def prepared(config: Config) -> Prepared:
    found, backbone, cache = inspected(config)
    return prepare(
        found,
        backbone,
        config,
        cache=cache,
        machine=machine_facts("cpu"),
        begun=None,
        notify=lambda event: None,
    )


def head_layers(made: Prepared, backbone: Backbone | None = None) -> Layers:
    backbone = backbone or made.supply.backbone
    return Layers.before(None, plain_network(made.supply.task, backbone, Head(), 0), backbone)


def test_equal_weights_put_together_otherwise_have_features_of_their_own(
    photos: Path, checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    def features(pooling: str, cache: str) -> np.ndarray:
        config = request(photos, tmp_path / cache, checkpoint(pooling), **{"features.engine": "eager"})
        return prepared(config).features[:]

    average, largest = features("avg", "shared"), features("max", "shared")
    np.testing.assert_array_equal(largest, features("max", "fresh"))
    assert np.abs(largest - average).max() > 0.01


def test_what_an_engine_was_built_from_is_no_other_architecture_of_equal_weights(
    photos: Path, checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    made = [prepared(request(photos, tmp_path, checkpoint(pooling))) for pooling in ("avg", "max")]
    one, other = map(head_layers, made)
    assert one.weights == other.weights
    assert one.digest != other.digest
    assert len(list((Cache(tmp_path, 0).measurements / "engines").iterdir())) == 2


def kept_features(cache: Path) -> set[Path]:
    return {entry.path for entry in Cache(cache, 10**9).entries() if entry.description["kind"] == "features"}


def test_what_other_software_gave_is_computed_again(
    photos: Path, checkpoint: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = request(photos, tmp_path, checkpoint("avg"), **{"features.engine": "eager"})
    seen = []
    for change in (None, ("FORMAT", keeping.FORMAT + 1), ("version", lambda library: f"{library} 0.0")):
        if change:
            monkeypatch.setattr(keeping, *change)
        prepared(config)
        seen.append(len(kept_features(tmp_path)))
    assert seen == [1, 2, 3]


def test_what_another_kind_of_device_gave_is_not_this_ones() -> None:
    assert keeping.surroundings("cuda") == keeping.surroundings("cuda:1") != keeping.surroundings("cpu")


def test_crops_of_images_kept_at_another_scale_are_kept_apart(photos: Path, tmp_path: Path) -> None:
    """How far an image may be scaled down depends on the smallest crop that is possible."""
    light = POLICIES["light"]
    pixels, kept = [], []
    for settings in ({}, {"augment.policy": "light"}, {"features.store": False}):
        made = prepared(request(photos, tmp_path, BUILTIN, **settings))
        examples = made.dataset.examples
        pixels.append(made.supply.view(light)(examples[0], 0).inputs["x"])
        layers = head_layers(made)
        choice = made.supply.engine(layers, examples, count=1)
        kept.append({**made.supply.description(layers, choice, light), "engine": "any", "type": "any"})
    for one, other in itertools.combinations(range(3), 2):
        assert not torch.equal(pixels[one], pixels[other])
        assert kept[one] != kept[other]


def test_inputs_of_which_some_could_not_be_kept_are_decoded_each_time(photos: Path, tmp_path: Path) -> None:
    whole, _, cache = inspected(request(photos, tmp_path / "cache", BUILTIN))
    assert cache is not None and whole.inputs is not None and whole.compact is not None
    # Just the room for the arrays, but not for all that stands before them in their file.
    (entry,) = cache.entries()
    size = entry.size - 1
    part, _, _ = inspected(request(photos, tmp_path / "small", BUILTIN, **{"cache.gigabytes": size / 1e9}))
    assert (part.inputs, part.compact) == (None, None)
    assert "no room for" in part.why
    assert part.scans == whole.scans


def test_a_runner_never_runs_layers_that_changed_since(photos: Path, tmp_path: Path) -> None:
    """Training changes in place what a runner was built of; a fresh copy of the network has not changed."""
    made = prepared(request(photos, tmp_path, BUILTIN, **{"features.engine": "eager"}))
    supply, examples = made.supply, made.dataset.examples
    fresh = head_layers(made, load_backbone(BUILTIN, **IMAGES))
    inputs = supply.sample(examples)
    before = supply.engine(fresh, examples, count=1)
    expected = before.runner(inputs).clone()
    with torch.no_grad():
        next(supply.backbone.module.parameters()).add_(1.0)
    after = supply.engine(fresh, examples, count=1)
    torch.testing.assert_close(after.runner(inputs), expected)
    assert not torch.allclose(before.runner(inputs), expected)
    assert supply.engine(fresh, examples, count=1) is after


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A folder that can be looked into; a process that may do everything is another user's meanwhile."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    may_all = os.geteuid() == 0
    if may_all:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if may_all:
            os.seteuid(0)
        folder.rmdir()


def test_a_cache_that_cannot_be_written_keeps_nothing_and_says_why(unwritable: Path) -> None:
    for folder in (unwritable, unwritable / "below"):
        cache, why = cache_of(load(None, {"cache.path": str(folder)}))
        assert cache is None
        assert why == f"{folder}: cannot be written (Permission denied)"


def test_the_plain_engine_is_not_said_to_be_asked_for_where_nothing_is_remembered(
    photos: Path, tmp_path: Path
) -> None:
    made = prepared(request(photos, tmp_path, BUILTIN, **{"features.store": False}))
    choice = made.supply.engine(head_layers(made), made.dataset.examples, count=1)
    assert (choice.name, choice.reason) == ("eager", "the plain one, as no choice can be remembered")
