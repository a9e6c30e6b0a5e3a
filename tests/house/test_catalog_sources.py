"""What every source of the catalogue promises, whatever it is: a new line is tested at once.

A source of which SAMPLES names a function, one that lays a small model where the source finds it, is
tried on that model; any other on the first that it lists.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

from headstart.catalog import MODALITIES, SOURCES, TASKS, resolve
from headstart.contracts import Backbone, Example, Source
from headstart.errors import HeadstartError, MissingExtra
from headstart.modalities.stacking import stacked

# Two inputs of each modality.
INPUTS = {
    "image": [np.random.default_rng(seed).integers(0, 256, (80, 60, 3), np.uint8) for seed in range(2)],
    "text": ["a good film with a warm heart", "please call me back at once"],
}


def a_local_folder(folder: Path) -> str:
    network = timm.create_model("resnet18", pretrained=False)
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet18"}))
    return str(folder)


def a_folder_of_transformers(folder: Path) -> str:
    return str(save_checkpoint("bert", folder))


SAMPLES: Mapping[str, Callable[[Path], str]] = {"local": a_local_folder, "hf": a_folder_of_transformers}
# What a source's models are asked to learn, where it is not to tell photos apart.
TASK_OF: Mapping[str, str] = {"hf": "text-classification"}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = resolve("source", request.param, SOURCES)()
    assert found.name == request.param
    return found


@pytest.fixture
def task(source: Source) -> str:
    return TASK_OF.get(source.name, "image-classification")


@pytest.fixture
def backbone(source: Source, task: str, tmp_path: Path) -> Backbone:
    if sample := SAMPLES.get(source.name):
        return source.load(sample(tmp_path), task=task)
    if not source.names():
        pytest.skip("its models come from a network")  # tests/sources simulates the hub's cache
    try:
        return source.load(source.names()[0], task=task)
    except MissingExtra as missing:
        pytest.skip(str(missing))


def inputs_of(backbone: Backbone) -> dict[str, torch.Tensor]:
    modality = resolve("modality", backbone.modality, MODALITIES)(backbone.preprocessing, None, 0)
    examples = [Example(str(place), value) for place, value in enumerate(INPUTS[backbone.modality])]
    return stacked([modality.view(example, None) for example in examples])


def test_a_name_that_it_does_not_have_is_refused_at_once_with_a_remedy(source: Source, task: str) -> None:
    assert not source.knows("no-such-model")
    with pytest.raises(HeadstartError) as refused:
        source.load("no-such-model", task=task)
    assert "no-such-model" in refused.value.cause
    assert refused.value.remedy


def test_its_models_read_what_the_task_reads(backbone: Backbone, task: str) -> None:
    assert backbone.modality == resolve("task", task, TASKS).modality


def test_all_that_it_lists_it_knows(source: Source) -> None:
    assert all(source.knows(name) for name in source.names())


def test_every_parameter_belongs_to_one_boundary(backbone: Backbone) -> None:
    owned = [name for boundary in backbone.boundaries for name in boundary.parameters]
    assert sorted(owned) == sorted(name for name, _ in backbone.module.named_parameters())
    assert len({boundary.name for boundary in backbone.boundaries}) == len(backbone.boundaries)


def test_it_gives_features_of_the_size_it_says(backbone: Backbone) -> None:
    with torch.inference_mode():
        features = backbone.module.eval()(**inputs_of(backbone))
    assert features.shape == (2, backbone.feature_size)
    assert torch.isfinite(features).all()


def test_its_blueprint_is_plain_data_from_which_the_module_comes_again(
    source: Source, backbone: Backbone
) -> None:
    blueprint = json.loads(json.dumps(dict(backbone.blueprint)))
    again = source.rebuild(blueprint)
    again.load_state_dict(backbone.module.state_dict())
    inputs = inputs_of(backbone)
    with torch.inference_mode():
        assert torch.equal(again.eval()(**inputs), backbone.module.eval()(**inputs))


def test_its_blueprint_names_a_source_that_has_the_native_form_or_none(
    source: Source, backbone: Backbone
) -> None:
    assert backbone.blueprint["source"] in SOURCES
    form = source.native(backbone.blueprint, ["no", "yes"], several=False)
    assert form is None or {"backbone.", "head."} <= {
        f"{prefix.partition('.')[0]}." for prefix in form.prefixes
    }


def test_where_it_comes_from_is_written_down(backbone: Backbone) -> None:
    assert backbone.name.split(":")[0] in SOURCES
    assert len(backbone.sha256) == 64
    assert backbone.licence
    assert backbone.parameters == sum(weights.numel() for weights in backbone.module.parameters())
