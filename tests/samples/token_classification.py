"""A little of what token classification works on, for the contract tests."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertTokenizer

from headstart.contracts import Backbone, Boundary, Example, Words
from headstart.modalities.text.preprocessing import TextPreprocessing

PLAIN = ("we", "went", "from", "to", "and", "saw")
PLACES = (("oslo",), ("new", "york"), ("the", "hague"))
PEOPLE = (("ann",), ("bob", "stone"), ("carl",))
# Words of several pieces are spelt of these.
PIECES = ("wal", "##ter", "##loo")
FEATURES = 8


class TinyTokenNet(nn.Module):
    """Embeddings and a layer, at every token that the mask shows."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, 6)
        self.layer = nn.Linear(6, FEATURES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.tanh(self.layer(self.embeddings(input_ids))) * attention_mask[..., None]


def examples(folder: Path, *, count: int = 15) -> list[Example]:
    """Sentences of different lengths that name people and places."""
    found = []
    for number in range(count):
        words, tags = [*PLAIN[: 1 + number % 5]], ["O"] * (1 + number % 5)
        for names, kind in ((PEOPLE, "person"), (PLACES, "place")):
            name = names[number % 3]
            words += [*name, "walterloo" if number % 2 else "and"]
            tags += [f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1), "O"]
        found.append(Example(f"{number:02d}", Words.joined(words), tuple(tags), origin=f"row {number}"))
    return found


def backbone(*, seed: int = 0, max_length: int = 32) -> Backbone:
    """A seeded network of two boundaries, pretrained on nothing."""
    names = (word for group in (*PEOPLE, *PLACES) for word in group)
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *PIECES, *names]
    tokenizer = BertTokenizer(vocab={word: place for place, word in enumerate(dict.fromkeys(known))})
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = TinyTokenNet(len(tokenizer))
    return Backbone(
        module=module,
        boundaries=(
            Boundary("embeddings", ("embeddings",), ("embeddings.weight",)),
            Boundary("layer", ("layer",), ("layer.weight", "layer.bias")),
        ),
        feature_size=FEATURES,
        preprocessing=TextPreprocessing(tokenizer, max_length),
        name="sample:tiny-token-net",
        blueprint={},
        licence="Apache-2.0",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        revision="1",
        sha256="",
        modality="text",
    )
