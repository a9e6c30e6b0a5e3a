import pytest
from safetensors.torch import save_file
from tiny_transformers import save_checkpoint
from trained_networks import trained

from headstart.errors import ModelError, RequestError
from headstart.sources.builtin import FOLDERS, Builtin
from headstart.sources.resolve import DEFAULTS, describe, load, native, rebuild

IMAGES = {"task": "image-classification", "family": "image"}
TEXTS = {"task": "text-classification", "family": "text"}


def test_no_name_is_the_default_builtin():
    assert load(None, **IMAGES, image_size=64).name == "builtin:efficientnet-lite0"


def test_a_name_that_one_source_knows_needs_no_prefix():
    backbone = load("efficientnet-lite0", **IMAGES, image_size=64)
    assert backbone.name == "builtin:efficientnet-lite0"
    assert backbone.preprocessing.size == (64, 64)


def test_a_name_that_several_sources_know_is_refused_with_the_choices(tmp_path, monkeypatch):
    save_file(trained("test_resnet").state_dict(), tmp_path / "resnet18")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="timm:resnet18 or local:resnet18"):
        load("resnet18", **IMAGES)


def test_a_path_is_a_name_that_the_disk_knows(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(trained("test_resnet").state_dict(), path, metadata={"architecture": "test_resnet"})
    assert load(str(path), **IMAGES).name == f"local:{path}"
    assert load(f"local:test_resnet@{path}", **IMAGES).feature_size == 96


def test_unknown_sources_and_names_guess_the_nearest():
    with pytest.raises(RequestError, match=r"Unknown source 'tim'\. Did you mean 'timm'"):
        load("tim:resnet18", **IMAGES)
    with pytest.raises(ModelError, match=r"'resnt50'. Did you mean 'resnet50'.*builtin:efficientnet-lite0"):
        load("resnt50", **IMAGES)
    with pytest.raises(ModelError, match="Did you mean 'efficientnet-lite0'"):
        load("eficientnet-lite0", **IMAGES)


def test_what_is_described_needs_no_network():
    assert "builtin:efficientnet-lite0" in describe()


def test_a_blueprint_finds_its_source():
    backbone = load("efficientnet-lite0", **IMAGES, image_size=64)
    again = rebuild(backbone.blueprint)
    assert again.state_dict().keys() == backbone.module.state_dict().keys()


def test_each_task_has_its_own_default():
    if "all-minilm-l6-v2" not in Builtin().names():
        pytest.skip(f"{FOLDERS['all-minilm-l6-v2'].package} is not installed")
    backbone = load(None, **TEXTS)
    assert backbone.name == DEFAULTS["text-classification"]
    assert backbone.modality == "text"


def test_a_task_without_a_default_asks_for_a_name():
    with pytest.raises(ModelError, match="No model for dancing comes with the package") as refused:
        load(None, task="dancing", family="video")
    assert "--model" in refused.value.remedy


def test_a_folder_of_transformers_is_a_name_that_only_hf_knows(tmp_path):
    folder = save_checkpoint("bert", tmp_path)
    backbone = load(str(folder), **TEXTS)
    assert backbone.name == f"hf:{folder}"
    assert rebuild(backbone.blueprint).state_dict().keys() == backbone.module.state_dict().keys()
    assert native(backbone.blueprint, ["no", "yes"], several=False) is not None
    with pytest.raises(ModelError, match=f"network of transformers. Name it so: hf:{folder}"):
        load(f"local:{folder}", **IMAGES)


def test_a_model_of_other_inputs_is_refused_with_the_way_out():
    with pytest.raises(
        ModelError, match="efficientnet-lite0 reads images, but text-classification has texts"
    ):
        load("efficientnet-lite0", **TEXTS)


def test_a_model_of_texts_is_not_for_images(tmp_path):
    folder = save_checkpoint("bert", tmp_path)
    with pytest.raises(RequestError, match="not for image-classification"):
        load(f"hf:{folder}", **IMAGES)
