import hashlib

import pytest
import torch
from safetensors.torch import save_file

from headstart.errors import ModelError
from headstart.sources.weights import read_metadata, read_weights, sha256_of

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class Code:
    """Reading it would run this."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('the file ran code')",))


def same(found):
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[key], WEIGHTS[key]) for key in WEIGHTS)


def test_safetensors_and_pickles_of_tensors_are_read(tmp_path):
    save_file(WEIGHTS, tmp_path / "a.safetensors", metadata={"architecture": "resnet18"})
    torch.save(WEIGHTS, tmp_path / "a.pt")
    assert same(read_weights(tmp_path / "a.safetensors"))
    assert same(read_weights(tmp_path / "a.pt"))
    assert read_metadata(tmp_path / "a.safetensors") == {"architecture": "resnet18"}
    assert read_metadata(tmp_path / "a.pt") == {}


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod.", "model."])
def test_common_wrappers_are_taken_off(tmp_path, wrapper, prefix):
    inner = {prefix + key: value for key, value in WEIGHTS.items()}
    torch.save({"epoch": 3, wrapper: inner}, tmp_path / "a.pth")
    assert same(read_weights(tmp_path / "a.pth"))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_would_run_code_is_refused_and_never_run(tmp_path, legacy):
    path = tmp_path / "a.pt"
    torch.save({"a": Code()}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match=r"a\.pt.*run code.*safetensors"):
        read_weights(path)


DAMAGED = [
    ("empty.pt", b"", "empty"),
    ("empty.safetensors", b"", "empty"),
    ("page.pt", b"\n<!DOCTYPE html><html>Not found</html>", "a web page"),
    ("page.safetensors", b"<html>", "a web page"),
    ("text.pt", b"hello, these are no weights at all", "damaged"),
    ("text.safetensors", b"hello, these are no weights at all", "damaged"),
]


@pytest.mark.parametrize(("name", "content", "said"), DAMAGED, ids=[name for name, *_ in DAMAGED])
def test_what_is_no_weights_file_is_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}.*{said}"):
        read_weights(path)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_a_truncated_file_is_named_wherever_it_is_cut(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    save_file(WEIGHTS, path) if suffix == "safetensors" else torch.save(WEIGHTS, path)
    whole = path.read_bytes()
    for length in range(1, len(whole), len(whole) // 9):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=rf"a\.{suffix}"):
            read_weights(path)


def test_a_missing_file_and_one_without_tensors_are_named(tmp_path):
    with pytest.raises(ModelError, match="no such weights file"):
        read_weights(tmp_path / "a.pt")
    torch.save({"epoch": 3}, tmp_path / "b.pt")
    with pytest.raises(ModelError, match="holds no weights"):
        read_weights(tmp_path / "b.pt")


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"weights")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"weights").hexdigest()
