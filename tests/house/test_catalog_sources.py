"""What every source of the catalogue promises, whatever it is: a new line is tested at once.

A source that lists models is tried on the first of them. One that lists none names in SAMPLES a
function that lays a small model where the source finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from headstart.catalog import SOURCES, resolve
from headstart.contracts import Backbone, Source
from headstart.errors import HeadstartError, MissingExtra


def a_local_folder(folder: Path) -> str:
    network = timm.create_model("resnet18", pretrained=False)
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet18"}))
    return str(folder)


# The hub cannot be asked in a test; tests/sources simulates its cache.
SAMPLES: Mapping[str, Callable[[Path], str] | None] = {"local": a_local_folder, "timm": None}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = resolve("source", request.param, SOURCES)()
    assert found.name == request.param
    return found


@pytest.fixture
def backbone(source: Source, tmp_path: Path) -> Backbone:
    if names := source.names():
        try:
            return source.load(names[0])
        except MissingExtra as missing:
            pytest.skip(str(missing))
    sample = SAMPLES[source.name]
    if sample is None:
        pytest.skip("its models come from a network")
    return source.load(sample(tmp_path))


def test_a_name_that_it_does_not_have_is_refused_at_once_with_a_remedy(source: Source) -> None:
    assert not source.knows("no-such-model")
    with pytest.raises(HeadstartError) as refused:
        source.load("no-such-model")
    assert "no-such-model" in refused.value.cause
    assert refused.value.remedy


def test_all_that_it_lists_it_knows(source: Source) -> None:
    assert all(source.knows(name) for name in source.names())


def test_every_parameter_belongs_to_one_boundary(backbone: Backbone) -> None:
    owned = [name for boundary in backbone.boundaries for name in boundary.parameters]
    assert sorted(owned) == sorted(name for name, _ in backbone.module.named_parameters())
    assert len({boundary.name for boundary in backbone.boundaries}) == len(backbone.boundaries)


def test_it_gives_features_of_the_size_it_says(backbone: Backbone) -> None:
    height, width = backbone.preprocessing.size
    with torch.inference_mode():
        features = backbone.module.eval()(x=torch.zeros(2, 3, height, width))
    assert features.shape == (2, backbone.feature_size)
    assert torch.isfinite(features).all()


def test_its_blueprint_is_plain_data_from_which_the_module_comes_again(
    source: Source, backbone: Backbone
) -> None:
    blueprint = json.loads(json.dumps(dict(backbone.blueprint)))
    again = source.rebuild(blueprint)
    again.load_state_dict(backbone.module.state_dict())
    height, width = backbone.preprocessing.size
    photo = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(again.eval()(x=photo), backbone.module.eval()(x=photo))


def test_where_it_comes_from_is_written_down(backbone: Backbone) -> None:
    assert backbone.name.split(":")[0] in SOURCES
    assert len(backbone.sha256) == 64
    assert backbone.licence
    assert backbone.parameters == sum(weights.numel() for weights in backbone.module.parameters())
