"""A bundle.json that was tampered with: one error, nothing run, nothing fetched, no memory taken."""

from __future__ import annotations

import hashlib
import json
import pickle
import resource
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from timm import create_model
from transformers import BertConfig

from headstart.artifact.bundle import load_bundle, save_bundle
from headstart.contracts import Example, Head
from headstart.errors import BundleError, HeadstartError, ModelError
from headstart.sources.local import Local
from headstart.tasks.image_classification import ImageClassification

Edit = Callable[[Any], None]
BERT = {"vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for images, without samples; only to be copied."""
    folder = tmp_path_factory.mktemp("bundle")
    save_file(create_model("test_resnet").state_dict(), folder / "a.safetensors")
    backbone = Local().load(f"test_resnet@{folder / 'a.safetensors'}", image_size=32)
    task = ImageClassification.from_examples([Example(label, label, label) for label in "ab"], {})
    save_bundle(
        folder / "model",
        network=task.build(backbone, Head()).eval(),
        task=task,
        backbone=backbone,
        head=Head(),
        temperature=1.5,
        batch_size=4,
        versions={},
    )
    return folder / "model"


@pytest.fixture
def changed(bundle: Path, tmp_path: Path) -> Callable[[Edit], Path]:
    """A copy whose bundle.json was edited."""

    def change(edit: Edit) -> Path:
        folder = Path(shutil.copytree(bundle, tmp_path / "model"))
        facts = json.loads((folder / "bundle.json").read_text())
        edit(facts)
        (folder / "bundle.json").write_text(json.dumps(facts))
        return folder

    return change


def arguments(**stated: Any) -> Edit:
    return lambda facts: facts["blueprint"]["arguments"].update(stated)


def of_bert(**stated: Any) -> Edit:
    """The backbone is one of transformers."""
    config = {**BertConfig(**BERT).to_dict(), **stated}
    blueprint = {"source": "hf", "task": "text-classification", "config": config, "head": "classifier"}
    return lambda facts: facts.update(blueprint=blueprint)


def stated(**facts: Any) -> Edit:
    return lambda found: found.update(facts)


def test_the_bundle_itself_opens_and_computes(bundle: Path) -> None:
    with torch.inference_mode():
        assert load_bundle(bundle).torch(x=torch.zeros(1, 3, 32, 32)).shape == (1, 2)


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(
    "stated",
    [
        {"checkpoint_path": "evil.pt"},
        {"pretrained": True},
        {"pretrained_cfg": {"file": "evil.pt"}, "pretrained": True},
        {"pretrained_cfg_overlay": {"hf_hub_id": "someone/evil"}},
    ],
)
def test_arguments_that_load_something_are_refused(
    changed: Callable[[Edit], Path],
    stated: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pt").write_bytes(pickle.dumps(Trap(tmp_path / "trace")))
    with pytest.raises(ModelError, match="would load what is not named"):
        load_bundle(changed(arguments(**stated)))
    assert not (tmp_path / "trace").exists()


HUGE: Mapping[str, Edit] = {
    "layers": of_bert(num_hidden_layers=10**9),
    "layers that stay below what is looked at": of_bert(num_hidden_layers=10**7, hidden_size=2),
    "width": of_bert(hidden_size=10**6),
    "words": of_bert(vocab_size=10**9),
    "places": of_bert(max_position_embeddings=10**12),
    "channels": arguments(stem_width=10**7),
    "a head": stated(head={"hidden": [10**9], "dropout": 0.0, "batch_norm": False}),
    "a deep head": stated(head={"hidden": [1] * 10**6, "dropout": 0.0, "batch_norm": False}),
    "features": stated(feature_size=10**12),
    "a batch": stated(batch_size=10**12),
    "no batch": stated(batch_size=0),
    "no temperature": stated(temperature=float("nan")),
    "an image": lambda facts: facts["preprocessing"].update(size=[10**6, 10**6]),
}


@pytest.mark.parametrize("what", HUGE)
def test_numbers_beyond_what_the_weights_tell_are_refused_before_they_take_memory(
    changed: Callable[[Edit], Path], what: str
) -> None:
    folder = changed(HUGE[what])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=r"bundle\.json: (has numbers|tells of a network)"):
        load_bundle(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # kB


@pytest.mark.parametrize(
    "edit",
    [
        stated(sha256=[]),
        stated(task=[1]),
        stated(task={"name": "image-classification"}),
        stated(task={"name": "os.system"}),
        stated(blueprint={}),
        stated(blueprint={"source": "os"}),
        stated(preprocessing=3),
        stated(head={"__class__": "os.system"}),
        stated(prefixes={"a": 3}),
        stated(temperature="1"),
        stated(engine={"format": "os", "precision": "fp32", "inputs": [], "outputs": ["logits"]}),
        stated(engine={"format": "onnx"}),
        lambda facts: facts["blueprint"].update(architecture="hf-hub:someone/evil"),
        lambda facts: facts["blueprint"].update(architecture="local-dir:/tmp"),
        arguments(block="os.system"),
        of_bert(model_type="os"),
        of_bert(auto_map={"AutoModelForSequenceClassification": "someone/evil--own.Model"}, hidden_act="os"),
        of_bert(to_dict=3, __class__=4),
    ],
)
def test_whatever_else_is_stated_is_one_error_of_headstart(
    changed: Callable[[Edit], Path], edit: Edit
) -> None:
    with pytest.raises(HeadstartError) as refused:
        load_bundle(changed(edit))
    assert "\n" not in refused.value.cause


@pytest.mark.parametrize("content", [b"[" * 10**5, b"\xff", b"3", b'{"format": 1}', b"9" * 10**4])
def test_what_is_no_bundle_json_is_one_error(changed: Callable[[Edit], Path], content: bytes) -> None:
    folder = changed(lambda facts: None)
    (folder / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.json"):
        load_bundle(folder)


def test_damaged_weights_whose_digest_was_set_anew_are_one_error(changed: Callable[[Edit], Path]) -> None:
    content = b"\xff" * 100
    digest = {"weights.safetensors": hashlib.sha256(content).hexdigest()}
    folder = changed(lambda facts: facts["sha256"].update(digest))
    (folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(folder)
