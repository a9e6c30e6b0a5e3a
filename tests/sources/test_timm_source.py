import hashlib
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file
from trained_networks import features, photos, trained

from headstart.errors import ModelError
from headstart.sources.timm import Timm

STEM_OF_INCEPTION = [f"Conv2d_{part}" for part in ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def downloaded(hub: Path, name: str, file: str, source: Path) -> Path:
    """A file in the cache as the hub's client leaves it: a link in a snapshot to a blob."""
    repository = hub / f"models--timm--{name}"
    snapshot, blobs = repository / "snapshots" / COMMIT, repository / "blobs"
    for folder in (snapshot, blobs, repository / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(COMMIT)
    blob = blobs / hashlib.sha256(source.read_bytes()).hexdigest()
    shutil.copy(source, blob)
    (snapshot / file).symlink_to(blob)
    return blob


def safetensors(folder: Path, architecture: str) -> Path:
    save_file(trained(architecture).state_dict(), folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.mark.parametrize("name", ["test_resnet.r160_in1k", "test_vit.r160_in1k", "test_convnext.r160_in1k"])
def test_cached_weights_are_loaded_without_a_network(hub, tmp_path, name):
    architecture = name.partition(".")[0]
    blob = downloaded(hub, name, "model.safetensors", safetensors(tmp_path, architecture))
    backbone = Timm().load(architecture)
    images = photos(backbone.preprocessing.size[0])
    with torch.no_grad():
        assert torch.equal(backbone.module(images), features(trained(architecture), images))
    assert backbone.name == f"timm:{name}"
    assert backbone.revision == COMMIT
    assert backbone.sha256 == blob.name
    assert backbone.licence == "apache-2.0"
    assert backbone.preprocessing.size == (160, 160)
    assert Timm().names() == [name]

    again = Timm().rebuild(backbone.blueprint)
    again.load_state_dict(backbone.module.state_dict())
    with torch.no_grad():
        assert torch.equal(again(images), backbone.module(images))


def test_safetensors_are_preferred_and_a_pickle_of_tensors_serves_alone(hub, tmp_path):
    torch.save(trained("test_resnet").state_dict(), tmp_path / "old.bin")
    downloaded(hub, "test_resnet.r160_in1k", "pytorch_model.bin", tmp_path / "old.bin")
    pickled = Timm().load("test_resnet")
    blob = downloaded(hub, "test_resnet.r160_in1k", "model.safetensors", safetensors(tmp_path, "test_resnet"))
    safe = Timm().load("test_resnet")
    assert safe.sha256 == blob.name != pickled.sha256
    with torch.no_grad():
        assert torch.equal(safe.module(photos(64)), pickled.module(photos(64)))


def test_a_cached_pickle_with_code_is_refused(hub, tmp_path):
    torch.save({"a": Path("code")}, tmp_path / "old.bin")
    downloaded(hub, "test_resnet.r160_in1k", "pytorch_model.bin", tmp_path / "old.bin")
    with pytest.raises(ModelError, match="run code"):
        Timm().load("test_resnet")


def test_without_a_network_the_error_names_models_that_need_none(hub):
    with pytest.raises(ModelError, match=r"timm/resnet18\.a1_in1k.*builtin:efficientnet-lite0"):
        Timm().load("resnet18")


def test_a_partly_downloaded_file_is_never_trusted(hub, tmp_path):
    blob = downloaded(hub, "test_resnet.r160_in1k", "model.safetensors", safetensors(tmp_path, "test_resnet"))
    blob.rename(blob.with_suffix(".incomplete"))
    assert Timm().names() == []
    with pytest.raises(ModelError, match="not in the cache"):
        Timm().load("test_resnet")


def test_a_flipped_bit_in_the_cache_is_found(hub, tmp_path):
    blob = downloaded(hub, "test_resnet.r160_in1k", "model.safetensors", safetensors(tmp_path, "test_resnet"))
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    with pytest.raises(ModelError, match=rf"damaged: its sha256 is \w+, not {blob.name}"):
        Timm().load("test_resnet")


def test_weights_of_another_network_are_refused(hub, tmp_path):
    downloaded(hub, "test_resnet.r160_in1k", "model.safetensors", safetensors(tmp_path, "test_efficientnet"))
    with pytest.raises(ModelError, match=r"do not fit 'test_resnet': \d+ missing"):
        Timm().load("test_resnet")


def test_the_second_classifier_of_an_older_inception_checkpoint_is_left_out(hub, tmp_path):
    network = trained("inception_v3", aux_logits=True)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    downloaded(hub, "inception_v3.tv_in1k", "model.safetensors", tmp_path / "model.safetensors")
    backbone = Timm().load("inception_v3", image_size=80)
    names = [boundary.name for boundary in backbone.boundaries]
    assert names[:5] + names[-1:] == [*STEM_OF_INCEPTION, "Mixed_7c"]
    network.aux_logits = False
    with torch.no_grad():
        assert torch.equal(backbone.module(photos(80)), features(network, photos(80)))


def test_older_names_of_weights_are_converted_as_timm_does(hub, tmp_path):
    weights = trained("convnext_atto").state_dict()
    older = {key.replace("stem.", "downsample_layers.0."): value for key, value in weights.items()}
    older = {key.replace("head.norm.", "norm.").replace("head.fc.", "head."): v for key, v in older.items()}
    save_file(older, tmp_path / "model.safetensors")
    downloaded(hub, "convnext_atto.d2_in1k", "model.safetensors", tmp_path / "model.safetensors")
    backbone = Timm().load("convnext_atto", image_size=64)
    with torch.no_grad():
        assert torch.equal(backbone.module(photos(64)), features(trained("convnext_atto"), photos(64)))


def test_an_unknown_name_guesses_the_nearest():
    assert not Timm().knows("resnt50")
    assert Timm().knows("resnet50") and Timm().knows("resnet50.a1_in1k")
    with pytest.raises(ModelError, match=r"'resnt50'\. Did you mean 'resnet50'"):
        Timm().load("resnt50")
    with pytest.raises(ModelError, match=r"Did you mean 'resnet50\.a1_in1k'"):
        Timm().load("resnet50.a1_in")


def test_a_model_that_the_hub_does_not_have_says_where_it_is(hub):
    with pytest.raises(ModelError, match=r"Download http\S+\.pth and give --model local:gcvit_tiny@FILE"):
        Timm().load("gcvit_tiny")
