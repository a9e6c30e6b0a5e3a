import json
import os
import pickle
import re

import pytest
import torch
from safetensors.torch import save_file
from trained_networks import features, photos, trained, write_folder

from headstart.errors import ModelError
from headstart.sources.local import Local
from headstart.sources.resolve import load
from headstart.sources.weights import sha256_of

# Architecture and a size that it takes and runs at quickly; None is its own.
NETWORKS = [
    ("resnet18", 64),
    ("mobilenetv2_100", 64),
    ("efficientnet_b0", 64),
    ("convnext_atto", 64),
    ("test_vit", None),
    ("test_mambaout", 64),
    ("test_nfnet", 64),
    # Large files, or slow to build.
    *(
        pytest.param(architecture, None, marks=pytest.mark.slow)
        for architecture in ("vgg11", "inception_v3", "vit_tiny_patch16_224", "resnet50")
    ),
]


def equal_outputs(one, other, images):
    with torch.no_grad():
        return torch.equal(one(images), other(images))


@pytest.mark.parametrize(("architecture", "size"), NETWORKS, ids=lambda part: str(part))
def test_a_folder_gives_the_networks_own_features_and_rebuilds(tmp_path, architecture, size):
    network = trained(architecture)
    folder = write_folder(tmp_path / "model", network, {"architecture": architecture, "num_classes": 1000})
    backbone = Local().load(str(folder), image_size=size)
    images = photos(backbone.preprocessing.size[0])
    with torch.no_grad():
        given = backbone.module(x=images)
    assert torch.equal(given, features(network, images))
    assert given.shape == (2, backbone.feature_size)
    assert backbone.parameters == sum(len(p.flatten()) for p in backbone.module.parameters())
    assert backbone.sha256 == sha256_of(folder / "model.safetensors")
    assert backbone.licence == "unknown"
    owned = sorted(name for boundary in backbone.boundaries for name in boundary.parameters)
    assert owned == sorted(name for name, _ in backbone.module.named_parameters())

    again = Local().rebuild(json.loads(json.dumps(backbone.blueprint)))
    again.load_state_dict(backbone.module.state_dict())
    assert equal_outputs(again, backbone.module, images)


@pytest.mark.parametrize("architecture", ["test_vit", "test_vit_relpos", "test_maxvit"])
def test_a_network_of_one_size_takes_another_and_rebuilds_with_it(tmp_path, architecture):
    folder = write_folder(tmp_path / "model", trained(architecture), {"architecture": architecture})
    backbone = Local().load(str(folder), image_size=96)
    assert backbone.preprocessing.size == (96, 96)
    again = Local().rebuild(backbone.blueprint)
    again.load_state_dict(backbone.module.state_dict())
    assert equal_outputs(again, backbone.module, photos(96))


def test_a_size_that_the_network_cannot_take_is_refused(tmp_path):
    mixer = write_folder(tmp_path / "mixer", trained("mixer_s32_224"), {"architecture": "mixer_s32_224"})
    with pytest.raises(ModelError, match=r"mixer_s32_224.*96 x 96.*fixed.*224 x 224"):
        Local().load(str(mixer), image_size=96)
    atto = write_folder(tmp_path / "atto", trained("convnext_atto"), {"architecture": "convnext_atto"})
    with pytest.raises(ModelError, match=r"cannot take images of 16 x 16 pixels.*224 x 224"):
        Local().load(str(atto), image_size=16)


def test_the_folders_own_preprocessing_arguments_and_licence_count(tmp_path):
    config = {
        "architecture": "test_vit",
        "model_args": {
            "img_size": 96,
            "global_pool": "avg",
            "checkpoint_path": "evil.pt",
            "pretrained": True,
        },
        "pretrained_cfg": {
            "input_size": [3, 160, 160],
            "interpolation": "bilinear",
            "crop_pct": 0.5,
            "crop_mode": "squash",
            "mean": [0.1, 0.2, 0.3],
            "std": [0.4, 0.5, 0.6],
            "license": "cc0-1.0",
        },
    }
    network = trained("test_vit", img_size=96, global_pool="avg")
    backbone = Local().load(str(write_folder(tmp_path / "model", network, config)))
    assert backbone.licence == "cc0-1.0"
    expected = backbone.preprocessing
    assert (expected.size, expected.crop, expected.mode) == ((96, 96), 0.5, "squash")
    assert (expected.interpolation, expected.mean, expected.std) == (
        "bilinear",
        (0.1, 0.2, 0.3),
        (0.4, 0.5, 0.6),
    )
    with torch.no_grad():
        assert torch.equal(backbone.module(photos(96)), features(network, photos(96)))


def test_a_grey_network_is_read(tmp_path):
    config = {"architecture": "test_resnet", "input_size": [1, 64, 64], "mean": [0.5], "std": [0.5]}
    folder = write_folder(tmp_path / "model", trained("test_resnet", in_chans=1), config)
    backbone = Local().load(str(folder))
    assert backbone.preprocessing.channels == 1
    assert backbone.module(torch.zeros(1, 1, 64, 64)).shape == (1, backbone.feature_size)


def bare_files(folder):
    """The same weights in every form that says its architecture, as the names that read them."""
    weights = trained("test_resnet").state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in weights.items()}}, folder / "a@b.pth")
    save_file(weights, folder / "told.safetensors", metadata={"architecture": "test_resnet"})
    save_file(weights, folder / "beside.safetensors")
    (folder / "beside.json").write_text('{"architecture": "test_resnet.r160_in1k"}')
    yield f"test_resnet@{folder / 'a@b.pth'}"
    yield str(folder / "told.safetensors")
    yield str(folder / "beside.safetensors")


def test_a_bare_file_says_its_architecture_in_any_of_three_ways(tmp_path):
    images = photos(64)
    expected = features(trained("test_resnet"), images)
    for name in bare_files(tmp_path):
        assert Local().knows(name)
        backbone = Local().load(name, image_size=64)
        assert backbone.name == f"local:{name}"
        with torch.no_grad():
            assert torch.equal(backbone.module(images), expected)


def test_weights_without_a_classifier_are_read_too(tmp_path):
    weights = trained("test_resnet", num_classes=0).state_dict()
    save_file(weights, tmp_path / "a.safetensors")
    assert Local().load(f"test_resnet@{tmp_path / 'a.safetensors'}").feature_size == 96


def test_weights_that_do_not_fit_are_listed_with_counts(tmp_path):
    weights = trained("test_resnet").state_dict()
    del weights["conv1.0.weight"]
    weights["bn1.weight"] = torch.ones(3)
    for number in range(7):
        weights[f"extra.{number}"] = torch.ones(1)
    path = tmp_path / "a.safetensors"
    save_file(weights, path)
    with pytest.raises(ModelError) as refusal:
        Local().load(f"test_resnet@{path}")
    said = str(refusal.value)
    assert str(path) in said
    assert "1 missing: conv1.0.weight;" in said
    assert re.search(r"1 of another shape: bn1\.weight \(3,\) for \(\d+,\);", said)
    assert "7 unexpected: extra.0, extra.1, extra.2, extra.3, extra.4, …" in said


def wrong_places(folder):
    path = folder / "a.safetensors"
    save_file({"a": torch.ones(1)}, path)
    yield f"{folder}/nothing.pt", "nothing.pt: no such weights file"
    yield str(path), "nothing says its architecture.*local:ARCHITECTURE@"
    yield f"resnet81@{path}", "no architecture 'resnet81'. Did you mean 'resnet"
    (folder / "empty").mkdir()
    yield str(folder / "empty"), "holds no weights.*model.safetensors"
    torch.save({"a": torch.ones(1)}, folder / "b.pt")
    yield str(folder), "several weights files: a.safetensors, b.pt"


def test_a_place_that_cannot_be_read_is_named_with_a_remedy(tmp_path):
    for name, said in wrong_places(tmp_path):
        with pytest.raises(ModelError, match=said):
            Local().load(name)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "config.json: not JSON"),
        ("[]", "config.json: not a JSON object"),
        ('{"architecture": "test_resnet", "model_args": 3}', "'model_args' must be an object. Got 3"),
        ('{"architecture": "test_resnet", "model_args": {"no": 3}}', "cannot be built with {'no': 3}"),
        ('{"architecture": "test_resnet", "input_size": 3}', "a wrong value"),
    ],
)
def test_a_wrong_config_is_named(tmp_path, config, said):
    (tmp_path / "config.json").write_text(config)
    save_file({"a": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=said):
        Local().load(str(tmp_path))


def test_a_path_below_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HOME", str(tmp_path))
    (tmp_path / "a.pt").touch()
    assert Local().knows("resnet18@~/a.pt")
    assert not Local().knows("resnet18@~/b.pt")


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("dump", [torch.save, pickle.dump])
@pytest.mark.parametrize("file", ["a.pt", "a.pth", "a.bin", "a.ckpt", "a.joblib", "a.pkl", ".metadata"])
def test_what_would_run_code_is_refused_as_a_file_and_as_a_folder(tmp_path, file, dump):
    folder, trace = tmp_path / "folder", tmp_path / "trace"
    folder.mkdir()
    (folder / "config.json").write_text('{"architecture": "test_resnet"}')
    with (folder / file).open("wb") as opened:
        dump(Trap(trace), opened)
    with pytest.raises(ModelError, match=r"run code.*Convert it"):
        load(f"local:test_resnet@{folder / file}")
    for name in (f"local:{folder}", str(folder)):
        with pytest.raises(ModelError, match=r"run code.*(Convert it|Join its parts) where you trust it"):
            load(name)
    assert not trace.exists()
