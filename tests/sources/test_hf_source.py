import json
import pickle
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformers import KINDS, save_checkpoint
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from headstart.artifact.bundle import load_bundle, save_bundle
from headstart.contracts import Backbone, Example, Head
from headstart.errors import ModelError, RequestError
from headstart.modalities.stacking import stacked
from headstart.modalities.text.modality import TextModality
from headstart.sources.hf import HuggingFace
from headstart.sources.weights import sha256_of
from headstart.tasks.text_classification import TextClassification

TASK = "text-classification"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = [
    "the cat sat on the mat",
    "a good film",
    "please call me back at once about the free prize , and look at the dog on the mat",
]
LABELS = ("bad", "good", "odd")
# What a network's boundaries are called, in order of execution.
BOUNDARIES = {
    "bert": ["bert.embeddings", "bert.encoder.layer.0", "bert.encoder.layer.1", "bert.pooler"],
    "roberta": ["roberta.embeddings", "roberta.encoder.layer.0", "roberta.encoder.layer.1", "classifier"],
    "distilbert": [
        "distilbert.embeddings",
        "distilbert.transformer.layer.0",
        "distilbert.transformer.layer.1",
        "pre_classifier",
    ],
    "electra": ["electra.embeddings", "electra.encoder.layer.0", "electra.encoder.layer.1", "classifier"],
    "modernbert": ["model.embeddings", "model.layers.0", "model.layers.1", "head"],
    "gpt2": ["transformer.wte", "transformer.h.0", "transformer.h.1"],
    "llama": ["model.embed_tokens", "model.layers.0", "model.layers.1"],
    "mpnet": ["mpnet.embeddings", "mpnet.encoder.layer.0", "mpnet.encoder.layer.1", "classifier"],
    "t5": [
        "transformer.encoder.embed_tokens",
        "transformer.encoder.block.0",
        "transformer.encoder.block.1",
        "transformer.decoder.block.0",
        "transformer.decoder.block.1",
        "classification_head",
    ],
}


@dataclass
class Checkpoint:
    kind: str
    folder: Path
    backbone: Backbone


def loaded(folder: Path) -> Backbone:
    return HuggingFace().load(str(folder), task=TASK)


@pytest.fixture(scope="module", params=KINDS)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = save_checkpoint(request.param, tmp_path_factory.mktemp(request.param))
    return Checkpoint(request.param, folder, loaded(folder))


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return save_checkpoint("bert", tmp_path / "bert")


def inputs(backbone: Backbone, texts: Sequence[Any]) -> dict[str, torch.Tensor]:
    modality = TextModality(backbone.preprocessing, None, 0)
    return stacked([modality.view(Example(str(at), text), None) for at, text in enumerate(texts)])


@torch.no_grad()
def features(backbone: Backbone, texts: Sequence[Any]) -> torch.Tensor:
    return backbone.module.eval()(**inputs(backbone, texts))


def edited(folder: Path, **entries: Any) -> None:
    """Change the checkpoint's configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def without(folder: Path, part: str) -> None:
    """Drop weights out of the file."""
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if part not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def reference(checkpoint: Checkpoint) -> Any:
    """The classifier of transformers, which was given what the checkpoint lacks and ours drew."""
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint.folder, dtype=torch.float32)
    model.config.pad_token_id = checkpoint.backbone.preprocessing.tokenizer.pad_token_id
    ours = {n.removeprefix("model."): v for n, v in checkpoint.backbone.module.state_dict().items()}
    in_file = load_file(checkpoint.folder / "model.safetensors")
    drawn = {n: v for n, v in ours.items() if not any(n.endswith(name) for name in in_file)}
    told = model.load_state_dict(drawn, strict=False)
    assert not told.unexpected_keys
    return model.eval()


# What is loaded


def test_embeddings_come_first_and_then_each_block_in_order(checkpoint: Checkpoint) -> None:
    names = [boundary.name for boundary in checkpoint.backbone.boundaries]
    assert names == [f"model.{name}" for name in BOUNDARIES[checkpoint.kind]]


def test_boundaries_run_in_their_order(checkpoint: Checkpoint) -> None:
    ran: list[str] = []
    hooks = [
        checkpoint.backbone.module.get_submodule(boundary.name).register_forward_pre_hook(
            lambda *_, name=boundary.name: ran.append(name)
        )
        for boundary in checkpoint.backbone.boundaries
    ]
    features(checkpoint.backbone, TEXTS)
    for hook in hooks:
        hook.remove()
    assert ran == [boundary.name for boundary in checkpoint.backbone.boundaries]


def test_every_parameter_belongs_to_one_boundary_and_every_boundary_has_some(checkpoint: Checkpoint) -> None:
    backbone = checkpoint.backbone
    owned = [name for boundary in backbone.boundaries for name in boundary.parameters]
    assert sorted(owned) == sorted(name for name, _ in backbone.module.named_parameters())
    assert all(boundary.parameters for boundary in backbone.boundaries)
    modules = [name for boundary in backbone.boundaries for name in boundary.modules]
    assert len(modules) == len(set(modules))


def test_the_checkpoint_says_where_it_comes_from(checkpoint: Checkpoint) -> None:
    backbone = checkpoint.backbone
    assert backbone.name == f"hf:{checkpoint.folder}"
    assert backbone.sha256 == sha256_of(checkpoint.folder / "model.safetensors")
    assert backbone.licence == "mit"
    assert backbone.modality == "text"
    assert backbone.preprocessing.max_length == 64
    assert not any(part._forward_pre_hooks for part in backbone.module.modules())


def test_the_last_layer_of_transformers_is_given_these_features(checkpoint: Checkpoint) -> None:
    model = reference(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder)
    last = model.get_submodule(checkpoint.backbone.blueprint["head"])
    with torch.no_grad():
        last.weight.normal_(std=4, generator=torch.Generator().manual_seed(0))
        logits = model(**_known(model, tokenizer(TEXTS, padding=True, return_tensors="pt"))).logits
        ours = last(features(checkpoint.backbone, TEXTS))
    torch.testing.assert_close(ours, logits, atol=1e-5, rtol=1e-5)
    assert logits.std(dim=0).min() > 1e-2  # texts differ


def _known(model: Any, encoded: Any) -> dict[str, torch.Tensor]:
    distilbert = model.config.model_type == "distilbert"
    return {name: value for name, value in encoded.items() if name != "token_type_ids" or not distilbert}


def test_heads_have_a_bias_where_those_of_transformers_have_one(checkpoint: Checkpoint) -> None:
    last = reference(checkpoint).get_submodule(checkpoint.backbone.blueprint["head"])
    assert checkpoint.backbone.head_bias == (last.bias is not None)
    assert checkpoint.backbone.head_bias == (checkpoint.kind not in ("gpt2", "llama"))


def test_padding_changes_no_feature(checkpoint: Checkpoint) -> None:
    together = features(checkpoint.backbone, [*TEXTS, "at home " * 25])
    alone = torch.cat([features(checkpoint.backbone, [text]) for text in TEXTS])
    torch.testing.assert_close(together[:-1], alone, atol=1e-5, rtol=1e-5)


def test_loading_is_the_same_each_time_and_leaves_the_order_of_chance_alone(checkpoint: Checkpoint) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    again = loaded(checkpoint.folder)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(features(again, TEXTS), features(checkpoint.backbone, TEXTS))
    assert again.preprocessing == checkpoint.backbone.preprocessing


def test_the_longest_text_fits_whatever_the_tokenizer_believes(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint.folder, tmp_path / "copy"))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 10**30}))
    backbone = loaded(folder)
    assert backbone.preprocessing.max_length <= 512
    long = "the cat sat on the mat " * 200
    assert inputs(backbone, [long])["input_ids"].shape[1] >= backbone.preprocessing.max_length
    assert torch.isfinite(features(backbone, [long])).all()


def test_a_token_to_fill_up_with_is_found_where_there_is_none(tmp_path: Path) -> None:
    folder = save_checkpoint("gpt2", tmp_path)
    path = folder / "tokenizer_config.json"
    stated = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in stated.items() if name != "pad_token"}))
    assert AutoTokenizer.from_pretrained(folder).pad_token is None
    backbone = loaded(folder)
    together = features(backbone, TEXTS)
    alone = torch.cat([features(backbone, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_sentence_encoder_states_its_longest_text(bert: Path) -> None:
    (bert / "sentence_bert_config.json").write_text('{"max_seq_length": 24, "do_lower_case": false}')
    assert loaded(bert).preprocessing.max_length == 24


def test_a_checkpoint_without_pooler_draws_it_alike_each_time(bert: Path) -> None:
    without(bert, "pooler")
    one, other = loaded(bert), loaded(bert)
    assert torch.equal(features(one, TEXTS), features(other, TEXTS))


def test_a_checkpoint_in_half_precision_or_in_several_files_gives_the_same(
    bert: Path, tmp_path: Path
) -> None:
    weights = {n: v.half().float() for n, v in load_file(bert / "model.safetensors").items()}
    save_file(weights, bert / "model.safetensors", metadata={"format": "pt"})
    expected = features(loaded(bert), TEXTS)

    half = Path(shutil.copytree(bert, tmp_path / "half"))
    save_file(
        {n: v.half() for n, v in weights.items()}, half / "model.safetensors", metadata={"format": "pt"}
    )
    edited(half, dtype="float16")
    backbone = loaded(half)
    assert {parameter.dtype for parameter in backbone.module.parameters()} == {torch.float32}
    assert torch.equal(features(backbone, TEXTS), expected)

    several = Path(shutil.copytree(bert, tmp_path / "several"))
    whole = in_two(several)
    assert torch.equal(features(loaded(several), TEXTS), expected)
    assert loaded(several).sha256 not in (whole, loaded(bert).sha256)


def in_two(folder: Path) -> str:
    """Share the weights out to two files with an index; the sha256 of the second."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    places = {name: files[place % 2] for place, name in enumerate(weights)}
    for file in files:
        part = {name: value for name, value in weights.items() if places[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return sha256_of(folder / files[1])


def test_a_file_that_the_index_names_must_be_there(bert: Path) -> None:
    in_two(bert)
    (bert / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        loaded(bert)


# What is saved


def saved(checkpoint: Checkpoint, folder: Path, *, temperature: float = 1.0, head: Head | None = None) -> Any:
    """A network of three labels, written as a bundle; gives it back as it was."""
    examples = [Example(label, "a text", label) for label in LABELS]
    task = TextClassification.from_examples(examples, {})
    backbone = loaded(checkpoint.folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = task.build(backbone, head or Head()).eval()
    save_bundle(
        folder,
        network=network,
        task=task,
        backbone=backbone,
        head=head or Head(),
        temperature=temperature,
        batch_size=4,
        versions={},
    )
    return network


def told_by_transformers(folder: Path, texts: Sequence[str] = TEXTS) -> torch.Tensor:
    """Logits of what transformers itself makes of a folder."""
    model, told = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(told[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        encoded = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return model.eval()(**_known(model, encoded)).logits


def logits_of(bundle: Path, texts: Sequence[Any] = TEXTS) -> torch.Tensor:
    model = load_bundle(bundle)
    return torch.tensor([list(row) for row in model.outputs([Example(t, t) for t in texts])])


@pytest.mark.parametrize("head", [Head(), Head(dropout=0.1)], ids=["plain", "dropout"])
def test_transformers_opens_what_was_saved_and_says_the_same(
    checkpoint: Checkpoint, tmp_path: Path, head: Head
) -> None:
    network = saved(checkpoint, tmp_path / "bundle", head=head)
    with torch.no_grad():
        before = network(**inputs(checkpoint.backbone, TEXTS))
    theirs = told_by_transformers(tmp_path / "bundle")
    torch.testing.assert_close(logits_of(tmp_path / "bundle"), before, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(theirs, before, atol=1e-5, rtol=1e-5)
    config = json.loads((tmp_path / "bundle" / "config.json").read_text())
    assert config["id2label"] == {str(place): label for place, label in enumerate(LABELS)}
    assert config["label2id"] == {label: place for place, label in enumerate(LABELS)}
    assert config["problem_type"] == "single_label_classification"
    assert str(checkpoint.folder) not in json.dumps(config)  # nobody else need know


def test_a_saved_network_is_divided_by_its_temperature_and_has_none(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    saved(checkpoint, tmp_path / "hot")
    saved(checkpoint, tmp_path / "cool", temperature=2.0)
    expected = logits_of(tmp_path / "hot") / 2
    torch.testing.assert_close(logits_of(tmp_path / "cool"), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(told_by_transformers(tmp_path / "cool"), expected, atol=1e-5, rtol=1e-5)
    assert load_bundle(tmp_path / "cool").temperature == 1


def test_a_saved_network_can_be_the_start_of_another(checkpoint: Checkpoint, tmp_path: Path) -> None:
    saved(checkpoint, tmp_path / "bundle")
    again = loaded(tmp_path / "bundle")
    # Texts in batches: what padding has to hide is the same token still.
    assert torch.equal(features(again, TEXTS), features(checkpoint.backbone, TEXTS))
    assert again.preprocessing.digest == checkpoint.backbone.preprocessing.digest


def test_a_head_with_hidden_layers_has_no_form_in_transformers(bert: Path, tmp_path: Path) -> None:
    network = saved(Checkpoint("bert", bert, loaded(bert)), tmp_path / "bundle", head=Head(hidden=(8,)))
    assert not (tmp_path / "bundle" / "config.json").exists()
    with torch.no_grad():
        before = network(**inputs(loaded(bert), TEXTS))
    torch.testing.assert_close(logits_of(tmp_path / "bundle"), before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("targets", "options", "kind", "outputs"),
    [
        ([("a", "b"), ("b",), ("c",)], {}, "multi_label_classification", ("a", "b", "c")),
        (["no", "yes", "no"], {"loss": "sigmoid"}, "multi_label_classification", ("yes",)),
        (["no", "yes", "no"], {}, "single_label_classification", ("no", "yes")),
    ],
)
def test_the_configuration_says_what_the_outputs_are(
    bert: Path, targets: list[Any], options: dict[str, Any], kind: str, outputs: tuple[str, ...]
) -> None:
    examples = [Example(str(place), "a text", target) for place, target in enumerate(targets)]
    task = TextClassification.from_examples(examples, options)
    form = HuggingFace().native(loaded(bert).blueprint, task.output_names, several=not task.exclusive)
    config = json.loads(form.files["config.json"])
    assert config["problem_type"] == kind
    assert tuple(config["id2label"].values()) == outputs == task.output_names
    assert config["architectures"] == ["BertForSequenceClassification"]


# What is refused


def pickled(folder: Path) -> None:
    """Weights that leave a trace where they are opened."""
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Trap(folder / "opened")))


class _Trap:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_code_of_its_own(folder: Path) -> None:
    own = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}
    edited(folder, model_type="nothing_known", auto_map=own)
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(folder / 'opened')!r}).touch()\n")


def with_more_tokens(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["quux", "quuux"])
    tokenizer.save_pretrained(folder)


def of_another_width(folder: Path) -> None:
    edited(folder, hidden_size=64)


REFUSALS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "has no config.json", "save_pre"),
    "configuration is no JSON": (
        lambda folder: (folder / "config.json").write_text("{"),
        "config.json",
        "Choose",
    ),
    "no kind": (lambda folder: (folder / "config.json").write_text("{}"), "config.json", "Choose"),
    "code of its own": (of_code_of_its_own, "needs code of its own, which is never run", "Choose a model"),
    "unknown kind": (lambda folder: edited(folder, model_type="nothing_known"), "nothing_known", "Choose"),
    "no network for the task": (lambda folder: edited(folder, model_type="vit"), "no vit network", "Choose"),
    "quantised": (
        lambda folder: edited(folder, quantization_config={"quant_method": "awq", "bits": 4}),
        "quantised",
        "plain weights",
    ),
    "pickled": (pickled, r"pickled \(pytorch_model.bin\)", r"save_pretrained\(OTHER\)"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "has no weights", "whole"),
    "truncated": (truncated, r"model\.safetensors: damaged", "again"),
    "empty": (lambda folder: (folder / "model.safetensors").write_bytes(b""), "damaged", "again"),
    "too many tokens": (with_more_tokens, r"has \d+ tokens, but the network knows \d+", "again"),
    "a weight is missing": (
        lambda folder: without(folder, "layer.1.attention.self.query.weight"),
        r"lacks 1 weights: bert\.encoder\.layer\.1\.attention\.self\.query\.weight",
        "architecture",
    ),
    "no embeddings": (lambda folder: without(folder, "embeddings"), "lacks 5 weights", "architecture"),
    "another width": (of_another_width, "do not fit its config.json", "again"),
    "no tokenizer": (
        lambda folder: [path.unlink() for path in folder.glob("tokenizer*")],
        "tokenizer",
        "whole checkpoint",
    ),
    "the tokenizer is damaged": (
        lambda folder: (folder / "tokenizer.json").write_text('{"version": "1.0"'),
        "tokenizer cannot be read",
        "whole checkpoint",
    ),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_faulty_checkpoint_is_refused_with_a_remedy(bert: Path, fault: str) -> None:
    damage, cause, remedy = REFUSALS[fault]
    damage(bert)
    with pytest.raises(ModelError, match=cause) as refused:
        loaded(bert)
    assert re.search(remedy, refused.value.remedy)
    assert "\n" not in refused.value.cause
    assert not (bert / "opened").exists()


def test_of_a_kind_that_transformers_knows_its_own_code_is_left_alone(bert: Path) -> None:
    expected = features(loaded(bert), TEXTS)
    of_code_of_its_own(bert)
    edited(bert, model_type="bert")
    assert torch.equal(features(loaded(bert), TEXTS), expected)
    assert not (bert / "opened").exists()


def test_code_of_a_tokenizer_and_pickles_beside_the_weights_are_left_alone(bert: Path) -> None:
    expected = features(loaded(bert), TEXTS)
    of_code_of_its_own(bert)
    edited(bert, model_type="bert")
    told = json.loads((bert / "tokenizer_config.json").read_text())
    own = {"auto_map": {"AutoTokenizer": ["own.Words", "own.Words"]}, "tokenizer_class": "OwnWords"}
    (bert / "tokenizer_config.json").write_text(json.dumps({**told, **own}))
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        (bert / name).write_bytes(pickle.dumps(_Trap(bert / "opened")))
    assert torch.equal(features(loaded(bert), TEXTS), expected)
    assert not (bert / "opened").exists()


def test_a_pickled_adapter_is_refused_and_never_opened(bert: Path) -> None:
    (bert / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(bert), "target_modules": ["query"]})
    )
    (bert / "adapter_model.bin").write_bytes(pickle.dumps(_Trap(bert / "opened")))
    with pytest.raises(ModelError, match=r"adapter_config\.json.*merge_and_unload"):
        loaded(bert)
    assert not (bert / "opened").exists()


KERNELS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")


@pytest.mark.parametrize("key", KERNELS)
@pytest.mark.parametrize("value", ["someone/kernel", "flash_attention_2", {"": "someone/kernel@v1:run"}])
def test_a_kernel_that_a_configuration_names_is_never_asked_for(
    bert: Path, key: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("transformers.modeling_utils.lazy_import_flash_attention", asked.append)
    expected = features(loaded(bert), TEXTS)
    edited(bert, **{key: value})
    backbone = loaded(bert)
    assert torch.equal(features(backbone, TEXTS), expected)
    config = {**backbone.blueprint["config"], key: value}
    HuggingFace().rebuild({**backbone.blueprint, "config": config})
    assert asked == []


def test_a_task_that_is_not_for_texts_is_refused(bert: Path) -> None:
    with pytest.raises(RequestError, match="not for image-classification") as refused:
        HuggingFace().load(str(bert), task="image-classification")
    assert TASK in refused.value.remedy


# What the hub's cache has


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    (tmp_path / "hub").mkdir()
    return tmp_path / "hub"


def downloaded(hub: Path, name: str, checkpoint: Path) -> Path:
    """A checkpoint in the cache as the hub's client leaves it: links in a snapshot to blobs."""
    repository = hub / f"models--{name.replace('/', '--')}"
    snapshot, blobs, refs = repository / "snapshots" / COMMIT, repository / "blobs", repository / "refs"
    for folder in (snapshot, blobs, refs):
        folder.mkdir(parents=True)
    (refs / "main").write_text(COMMIT)
    for file in checkpoint.iterdir():
        blob = blobs / sha256_of(file)
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(blob)
    return snapshot


def test_a_model_in_the_cache_needs_no_network(hub: Path, bert: Path) -> None:
    downloaded(hub, "someone/tiny-bert", bert)
    assert HuggingFace().names() == ["someone/tiny-bert"]
    assert HuggingFace().knows("someone/tiny-bert")
    backbone = HuggingFace().load("someone/tiny-bert", task=TASK)
    assert backbone.name == "hf:someone/tiny-bert"
    assert backbone.revision == COMMIT
    assert backbone.sha256 == sha256_of(bert / "model.safetensors")
    assert torch.equal(features(backbone, TEXTS), features(loaded(bert), TEXTS))


def test_what_is_partly_there_is_not_listed_and_refused(hub: Path, tmp_path: Path) -> None:
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        name = f"someone/no-{file.partition('.')[0]}"
        snapshot = downloaded(hub, name, save_checkpoint("bert", tmp_path / file))
        (snapshot / file).unlink()
        assert HuggingFace().names() == []
        assert not HuggingFace().knows(name)
        with pytest.raises(ModelError) as refused:
            HuggingFace().load(name, task=TASK)
        assert refused.value.remedy


def test_networks_of_other_libraries_in_the_cache_are_not_listed(hub: Path, bert: Path) -> None:
    (bert / "config.json").write_text('{"architecture": "resnet18"}')
    downloaded(hub, "timm/resnet18.a1_in1k", bert)
    assert HuggingFace().names() == []


@pytest.mark.parametrize("name", ["someone/none-such", "none-such", "/no/such/folder", "a/b/c", "no such"])
def test_a_name_that_is_nowhere_is_refused_at_once_with_a_remedy(hub: Path, name: str) -> None:
    assert not HuggingFace().knows(name)
    started = time.perf_counter()
    with pytest.raises(ModelError) as refused:
        HuggingFace().load(name, task=TASK)
    assert time.perf_counter() - started < 5
    assert name in refused.value.cause
    assert "hf:" in refused.value.remedy


def test_no_cache_at_all_is_no_models(hub: Path) -> None:
    hub.rmdir()
    assert HuggingFace().names() == []


def test_asking_what_there_is_imports_no_transformers() -> None:
    program = (
        "import sys\n"
        "from headstart.sources.hf import HuggingFace\n"
        "HuggingFace().knows('someone/none-such'), HuggingFace().names()\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] == 'transformers'))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
