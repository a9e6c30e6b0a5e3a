"""A little of what text classification works on, for the contract tests."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertTokenizer

from headstart.contracts import Backbone, Boundary, Example
from headstart.modalities.text.preprocessing import TextPreprocessing

WORDS = {
    "good": ("fine", "warm", "great"),
    "bad": ("dull", "cold", "poor"),
    "odd": ("strange", "weird", "queer"),
}
PLAIN = ("the", "film", "was", "a", "very", "and")
FEATURES = 8


class TinyTextNet(nn.Module):
    """Embeddings, a layer, and the mean over what the mask shows."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, 6)
        self.layer = nn.Linear(6, FEATURES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        shown = attention_mask[..., None].float()
        tokens = torch.tanh(self.layer(self.embeddings(input_ids)))
        return (tokens * shown).sum(1) / shown.sum(1)


def examples(folder: Path, *, per_class: int = 5) -> list[Example]:
    """Sentences of different lengths, each with a word that tells its label."""
    return [
        Example(
            f"{label}-{number}", " ".join((*PLAIN[: 1 + number], *words)), label, origin=f"{label} {number}"
        )
        for label, words in WORDS.items()
        for number in range(per_class)
    ]


def backbone(*, seed: int = 0) -> Backbone:
    """A seeded network of two boundaries, pretrained on nothing."""
    known = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *PLAIN,
        *(word for words in WORDS.values() for word in words),
    ]
    tokenizer = BertTokenizer(vocab={word: place for place, word in enumerate(known)})
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = TinyTextNet(len(known))
    return Backbone(
        module=module,
        boundaries=(
            Boundary("embeddings", ("embeddings",), ("embeddings.weight",)),
            Boundary("layer", ("layer",), ("layer.weight", "layer.bias")),
        ),
        feature_size=FEATURES,
        preprocessing=TextPreprocessing(tokenizer, 32),
        name="sample:tiny-text-net",
        blueprint={},
        licence="Apache-2.0",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        revision="1",
        sha256="",
        modality="text",
    )
