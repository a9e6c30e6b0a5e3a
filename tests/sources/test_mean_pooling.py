import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_transformers import save_checkpoint
from torch.nn import functional
from transformers import AutoModel

from headstart.contracts import Backbone, Example
from headstart.modalities.stacking import stacked
from headstart.modalities.text.modality import TextModality
from headstart.sources.builtin import FOLDERS, Builtin
from headstart.sources.hf import HuggingFace
from headstart.sources.huggingface.pooling import SCALE

TASK = "text-classification"
TEXTS = ["the cat sat on the mat", "a good film", "please call me back at once about the free prize"]
# A decoder's and two encoders' whose blocks are other than BERT's.
OTHERS = ("gpt2", "distilbert", "mpnet", "modernbert")


@pytest.fixture(params=["bert", "roberta"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save_checkpoint(request.param, tmp_path, mean_pooling=True)


def loaded(folder: Path) -> Backbone:
    return HuggingFace().load(str(folder), task=TASK)


def inputs(backbone: Backbone, texts: list[str]) -> dict[str, torch.Tensor]:
    modality = TextModality(backbone.preprocessing, None, 0)
    return stacked([modality.view(Example(text, text), None) for text in texts])


@torch.no_grad()
def features(backbone: Backbone, texts: list[str]) -> torch.Tensor:
    return backbone.module.eval()(**inputs(backbone, texts))


@torch.no_grad()
def means(folder: Path, backbone: Backbone, texts: list[str]) -> torch.Tensor:
    """LayerNorm of the mean of what the plain encoder says of each token."""
    encoder = AutoModel.from_pretrained(folder).eval()
    encoder.config.pad_token_id = backbone.preprocessing.tokenizer.pad_token_id
    given = inputs(backbone, texts)
    tokens = encoder(**given).last_hidden_state
    mask = given["attention_mask"][..., None]
    mean = (tokens * mask).sum(1) / mask.sum(1)
    return functional.layer_norm(mean, mean.shape[1:])


def test_features_are_about_the_normalised_mean_of_the_tokens(folder: Path) -> None:
    backbone = loaded(folder)
    before_the_pooler = torch.atanh(features(backbone, TEXTS)) / SCALE
    expected = means(folder, backbone, TEXTS)
    torch.testing.assert_close(before_the_pooler, expected, atol=0.2, rtol=0)
    assert functional.cosine_similarity(before_the_pooler, expected).min() > 0.998


def test_it_is_one_block_more_that_can_be_cut_off_as_every_other(folder: Path) -> None:
    plain = [boundary.name for boundary in loaded(_unpooled(folder)).boundaries]
    _pooled(folder)
    backbone = loaded(folder)
    *blocks, pooler = [boundary.name for boundary in backbone.boundaries]
    assert [*blocks[:-1], pooler] == plain
    assert blocks[-1].endswith("encoder.layer.2")
    assert backbone.blueprint["config"]["num_hidden_layers"] == 3
    again = HuggingFace().rebuild(json.loads(json.dumps(dict(backbone.blueprint))))
    again.load_state_dict(backbone.module.state_dict())
    with torch.no_grad():
        given = inputs(backbone, TEXTS)
        assert torch.equal(again.eval()(**given), backbone.module.eval()(**given))


def _unpooled(folder: Path) -> Path:
    (folder / "1_Pooling" / "config.json").rename(folder / "1_Pooling" / "aside.json")
    return folder


def _pooled(folder: Path) -> None:
    (folder / "1_Pooling" / "aside.json").rename(folder / "1_Pooling" / "config.json")


def test_padding_changes_nothing(folder: Path) -> None:
    backbone = loaded(folder)
    together = features(backbone, [*TEXTS, "at home " * 25])[:-1]
    alone = torch.cat([features(backbone, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_every_token_counts_alike(folder: Path) -> None:
    backbone = loaded(folder)
    _, *_, block, _ = backbone.boundaries
    attention = backbone.module.get_submodule(f"{block.name}.attention.self")
    given: list[torch.Tensor] = []
    hook = attention.register_forward_hook(lambda _, args, output: given.extend([args[0], output[0]]))
    features(backbone, TEXTS[:1])
    hook.remove()
    tokens, context = given
    shown = inputs(backbone, TEXTS[:1])["attention_mask"][0].bool()
    expected = tokens[0, shown].mean(0).expand_as(context[0])
    torch.testing.assert_close(context[0], expected, atol=1e-5, rtol=1e-5)


def test_gradients_reach_all_of_the_added_block_from_the_second_step_on(folder: Path) -> None:
    backbone = loaded(folder)
    _, *_, block, _ = backbone.boundaries
    own = {name: value for name, value in backbone.module.named_parameters() if name in block.parameters}
    step = torch.optim.SGD(own.values(), lr=0.1)
    target = torch.randn(len(TEXTS), backbone.feature_size, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        step.zero_grad()
        functional.mse_loss(backbone.module.eval()(**inputs(backbone, TEXTS)), target).backward()
        step.step()
    # A softmax does not feel what is added to all keys.
    felt = {name: value.grad for name, value in own.items() if not name.endswith("key.bias")}
    assert len(felt) == 15
    unmoved = [name for name, gradient in felt.items() if gradient is None or gradient.abs().max() < 1e-9]
    assert not unmoved


def test_the_checkpoints_own_weights_stay(folder: Path) -> None:
    held = loaded(folder).module.state_dict()
    given = {
        name: value for name, value in load_file(folder / "model.safetensors").items() if "pool" not in name
    }
    for name, value in given.items():
        (ours,) = [key for key in held if key.endswith(name)]
        assert torch.equal(held[ours], value)


@pytest.mark.parametrize(
    "modes",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode_max_tokens": True},
        {},
    ],
)
def test_other_ways_to_pool_leave_the_network_as_it_is(tmp_path: Path, modes: dict[str, bool]) -> None:
    folder = save_checkpoint("bert", tmp_path, mean_pooling=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    assert loaded(folder).blueprint["config"]["num_hidden_layers"] == 2


@pytest.mark.parametrize("kind", OTHERS)
def test_networks_of_another_build_load_as_they_are(tmp_path: Path, kind: str) -> None:
    plain = loaded(save_checkpoint(kind, tmp_path / "plain"))
    asking = loaded(save_checkpoint(kind, tmp_path / "asking", mean_pooling=True))
    assert asking.blueprint["config"] == plain.blueprint["config"]
    assert torch.equal(features(asking, TEXTS), features(plain, TEXTS))


# The builtin, which was trained to be averaged


@pytest.fixture(scope="module")
def minilm() -> Backbone:
    if "all-minilm-l6-v2" not in Builtin().names():
        pytest.skip(f"{FOLDERS['all-minilm-l6-v2'].package} is not installed")
    return Builtin().load("all-minilm-l6-v2", task=TASK)


PARAPHRASES = [
    ("How do I reset my password?", "What are the steps to change a forgotten password?"),
    ("The match was cancelled because of heavy rain.", "Bad weather meant that the game did not take place."),
    ("She is a very good cook.", "Her food tastes great."),
]


def test_paraphrases_are_nearer_than_strangers(minilm: Backbone) -> None:
    one, other = (features(minilm, list(side)) for side in zip(*PARAPHRASES, strict=True))
    cosines = functional.cosine_similarity(one[:, None], other[None], dim=2)
    strangers = cosines[~torch.eye(len(PARAPHRASES), dtype=torch.bool)]
    assert cosines.diagonal().min() > strangers.max() + 0.2


def test_the_builtin_says_of_texts_what_the_mean_of_its_tokens_says(minilm: Backbone) -> None:
    folder = Path(FOLDERS["all-minilm-l6-v2"].folder)
    place = Path(pytest.importorskip(FOLDERS["all-minilm-l6-v2"].package).__file__).parent
    texts = [text for pair in PARAPHRASES for text in pair]
    expected = means(place / folder, minilm, texts)
    ours = torch.atanh(features(minilm, texts)) / SCALE
    assert functional.cosine_similarity(ours, expected).min() > 0.99
    assert minilm.preprocessing.max_length == 256
    assert minilm.licence == "apache-2.0"
    assert math.isclose(minilm.parameters, 24.5e6, rel_tol=0.05)
