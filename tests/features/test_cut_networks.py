"""Networks of many kinds, entered at their boundaries, compute what they do as a whole."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import timm
import torch
import transformers
from torch import Tensor, nn

from headstart.contracts import Boundary, Head
from headstart.features.cutting.cut import Cut, Inputs, NoCut
from headstart.features.cutting.find import find_cut, probes_of
from headstart.features.cutting.replay import Prefix, replaying
from headstart.sources.boundaries import find_boundaries
from headstart.tasks.heads import Classifier, build_head
from headstart.training.freezing import freeze, set_training_mode

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Case:
    network: nn.Module
    boundaries: tuple[Boundary, ...]
    sample: Inputs

    def trained_from(self, name: str) -> list[str]:
        names = [boundary.name for boundary in self.boundaries]
        return ["head"] if name == "head" else [*names[names.index(name) :], "head"]

    def cut(self, name: str) -> Cut | NoCut:
        set_training_mode(self.network, self.boundaries, self.trained_from(name), "train")
        full = name if name == "head" else f"backbone.{name}"
        return find_cut(self.network, full, probes_of(self.sample))


def classifier(backbone: nn.Module, boundaries: tuple[Boundary, ...], sample: Inputs) -> Case:
    """With a head that has dropout and BatchNorm."""
    width = backbone.eval()(**sample).shape[1]
    head = build_head(width, 3, Head(hidden=(8,), dropout=0.5, batch_norm=True))
    return Case(Classifier(backbone, head), boundaries, sample)


def image_case(architecture: str, size: int, **options: object) -> Case:
    torch.manual_seed(0)
    backbone = timm.create_model(architecture, num_classes=0, **options)
    sample = {"x": torch.randn(3, 3, size, size)}
    return classifier(backbone, find_boundaries(backbone, sample), sample)


class Mean(nn.Module):
    """The mean of what an encoder says of the tokens."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return (tokens * mask).sum(1) / mask.sum(1)


def text_case(architecture: str, layers: str, **options: object) -> Case:
    torch.manual_seed(0)
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = getattr(transformers, f"{architecture.removesuffix('Encoder')}Config")
    encoder = getattr(transformers, f"{architecture}Model")(config(vocab_size=50, **ends, **options))
    mask = torch.ones(3, 12, dtype=torch.long)
    mask[0, 9:], mask[1, 4:] = 0, 0
    sample = {"input_ids": torch.randint(3, 50, (3, 12)) * mask, "attention_mask": mask}
    backbone = Mean(encoder)
    names = [f"encoder.{layers}.{index}" for index, _ in enumerate(encoder.get_submodule(layers))]
    inside = [
        tuple(part for part, _ in backbone.get_submodule(name).named_modules(prefix=name)) for name in names
    ]
    units = [Boundary(name, modules, ()) for name, modules in zip(names, inside, strict=True)]
    return classifier(backbone, tuple(units), sample)


WIDE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
TEXTS: dict[str, tuple[str, dict[str, object]]] = {
    "Bert": ("encoder.layer", WIDE),
    "Roberta": ("encoder.layer", WIDE),
    "DistilBert": ("transformer.layer", {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32}),
    "MPNet": ("encoder.layer", WIDE),
    "ModernBert": ("layers", {**WIDE, "cls_token_id": 1, "sep_token_id": 2}),
    "GPT2": ("h", {"n_embd": 16, "n_layer": 3, "n_head": 2}),
    "Llama": ("layers", {**WIDE, "num_key_value_heads": 2}),
}
SMALL_VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 3}
IMAGES: dict[str, tuple[int, dict[str, object]]] = {
    "resnet18": (32, {}),
    "mobilenetv2_050": (32, {}),
    "vit_tiny_patch16_224": (32, {**SMALL_VIT, "proj_drop_rate": 0.3, "drop_path_rate": 0.2}),
    "convnext_atto": (32, {"depths": (1, 1, 2, 1), "drop_path_rate": 0.2}),
}
LARGE_IMAGES: dict[str, tuple[int, dict[str, object]]] = {
    "efficientnet_lite0": (64, {"drop_path_rate": 0.2}),
    "swin_tiny_patch4_window7_224": (64, {"img_size": 64, "window_size": 4}),
    "densenet121": (64, {}),
    "inception_v3": (96, {}),
    "mixer_s32_224": (224, {}),
    "vgg11": (32, {"mlp_ratio": 0.01}),
    "levit_128s": (224, {}),
    "regnetx_002": (64, {}),
    "mobilevit_xxs": (64, {}),
}


def assert_enters(case: Case, names: list[str]) -> None:
    for name in names:
        cut = case.cut(name)
        assert isinstance(cut, Cut), cut.reason


@pytest.mark.parametrize("architecture", IMAGES)
def test_an_image_network_is_entered_at_the_first_the_middle_and_the_last_boundary_and_the_head(architecture):
    size, options = IMAGES[architecture]
    case = image_case(architecture, size, **options)
    _, first, *others = [boundary.name for boundary in case.boundaries]
    assert_enters(case, [first, others[len(others) // 2], others[-1], "head"])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", {**IMAGES, **LARGE_IMAGES})
def test_an_image_network_is_entered_at_every_boundary(architecture):
    size, options = {**IMAGES, **LARGE_IMAGES}[architecture]
    case = image_case(architecture, size, **options)
    assert_enters(case, [boundary.name for boundary in case.boundaries[1:]])


@pytest.mark.parametrize("architecture", TEXTS)
def test_a_text_network_is_entered_at_every_layer_and_the_head(architecture):
    layers, options = TEXTS[architecture]
    case = text_case(architecture, layers, **options)
    assert_enters(case, [*(boundary.name for boundary in case.boundaries), "head"])


def test_a_bias_that_the_first_layer_hands_to_the_others_is_a_reason_not_to_enter_behind_it():
    case = text_case("T5Encoder", "encoder.block", d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    assert isinstance(case.cut("encoder.encoder.block.0"), Cut)
    refused = case.cut("encoder.encoder.block.1")
    assert isinstance(refused, NoCut)
    assert "changes" in refused.reason


def test_a_network_that_has_the_batch_on_its_second_axis_gives_a_reason():
    case = text_case("XLNet", "layer", d_model=16, n_layer=2, n_head=2, d_inner=32)
    refused = case.cut("encoder.layer.1")
    assert isinstance(refused, NoCut)
    assert "batch axis" in refused.reason


def trained(case: Case, name: str, inputs: Inputs) -> dict[str, Tensor]:
    """Weights and statistics after three steps of what lies behind a boundary."""
    groups = freeze(case.network, case.boundaries, case.trained_from(name), "train")
    optimiser = torch.optim.SGD([value for group in groups.values() for value in group.values()], lr=0.1)
    for step in range(3):
        torch.manual_seed(step)
        optimiser.zero_grad()
        case.network(**inputs).square().mean().backward()
        optimiser.step()
    return {key: value.clone() for key, value in case.network.state_dict().items()}


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: image_case("resnet18", 32), "layer3.1"),
        (lambda: image_case("vit_tiny_patch16_224", 32, **SMALL_VIT, proj_drop_rate=0.3), "blocks.1"),
        (lambda: text_case("Bert", "encoder.layer", **WIDE), "encoder.encoder.layer.1"),
        (lambda: text_case("Llama", "layers", num_key_value_heads=2, **WIDE), "encoder.layers.2"),
        (lambda: image_case("mobilenetv2_050", 32), "head"),
    ],
    ids=["BatchNorm", "dropout", "masks", "rotary angles", "head"],
)
def test_training_on_kept_activations_gives_the_weights_of_training_on_inputs(
    build: Callable[[], Case], name
):
    whole, entered = build(), build()
    cut = entered.cut(name)
    assert isinstance(cut, Cut)
    with torch.no_grad():
        kept = Prefix(entered.network.eval(), cut)(**entered.sample)
    others = {key: value for key, value in entered.sample.items() if not value.is_floating_point()}
    with replaying(entered.network, cut):
        replayed = trained(entered, name, {"activation": kept, **others})
    for key, value in trained(whole, name, whole.sample).items():
        torch.testing.assert_close(replayed[key], value, rtol=1e-5, atol=1e-7)
