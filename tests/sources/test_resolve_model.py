import pytest
from safetensors.torch import save_file
from trained_networks import trained

from headstart.errors import ModelError, RequestError
from headstart.sources.resolve import describe, load, rebuild


def test_no_name_is_the_default_builtin():
    assert load(None, image_size=64).name == "builtin:efficientnet-lite0"


def test_a_name_that_one_source_knows_needs_no_prefix():
    backbone = load("efficientnet-lite0", image_size=64)
    assert backbone.name == "builtin:efficientnet-lite0"
    assert backbone.preprocessing.size == (64, 64)


def test_a_name_that_several_sources_know_is_refused_with_the_choices(tmp_path, monkeypatch):
    save_file(trained("test_resnet").state_dict(), tmp_path / "resnet18")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="timm:resnet18 or local:resnet18"):
        load("resnet18")


def test_a_path_is_a_name_that_the_disk_knows(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(trained("test_resnet").state_dict(), path, metadata={"architecture": "test_resnet"})
    assert load(str(path)).name == f"local:{path}"
    assert load(f"local:test_resnet@{path}").feature_size == 96


def test_unknown_sources_and_names_guess_the_nearest():
    with pytest.raises(RequestError, match=r"Unknown source 'tim'\. Did you mean 'timm'"):
        load("tim:resnet18")
    with pytest.raises(ModelError, match=r"'resnt50'. Did you mean 'resnet50'.*builtin:efficientnet-lite0"):
        load("resnt50")
    with pytest.raises(ModelError, match="Did you mean 'efficientnet-lite0'"):
        load("eficientnet-lite0")


def test_what_is_described_needs_no_network():
    assert "builtin:efficientnet-lite0" in describe()


def test_a_blueprint_finds_its_source():
    backbone = load("efficientnet-lite0", image_size=64)
    again = rebuild(backbone.blueprint)
    assert again.state_dict().keys() == backbone.module.state_dict().keys()
