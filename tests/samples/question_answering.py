"""A little of what question answering works on, for the contract tests."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertTokenizer

from headstart.contracts import Answer, Backbone, Boundary, Example
from headstart.modalities.text.preprocessing import TextPreprocessing

PEOPLE = ("ann", "bob", "carl", "dora", "emil", "fred")
PLACES = ("oslo", "new york", "rome", "the hague", "bonn", "paris")
PLAIN = ("where", "is", "in", "from", "?", ".")
FEATURES = 8


class TinyTokenNet(nn.Module):
    """Embeddings and a layer, at every token that the mask shows."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, 6)
        self.layer = nn.Linear(6, FEATURES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.tanh(self.layer(self.embeddings(input_ids))) * attention_mask[..., None]


def asked(number: int, *, people: int, answered: bool = True) -> Example:
    """A question of where somebody is, on a context that tells it of so many."""
    names = [PEOPLE[(number + place) % len(PEOPLE)] for place in range(people)]
    places = [PLACES[(3 * number + place) % len(PLACES)] for place in range(people)]
    context = " ".join(f"{name} is in {place}." for name, place in zip(names, places, strict=True))
    one = number % people
    start = context.index(f"{names[one]} is in ") + len(f"{names[one]} is in ")
    answer = Answer(places[one], start)
    who = names[one] if answered else next(name for name in PEOPLE if name not in names)
    return Example(
        f"{number:02d}",
        (f"where is {who}?", context),
        (answer,) if answered else (),
        origin=f"row {number}",
    )


def examples(folder: Path, *, count: int = 15) -> list[Example]:
    """Questions on contexts of one window and of several; of some the context has no answer."""
    return [asked(number, people=1 + number % 5, answered=number % 4 != 3) for number in range(count)]


def backbone(*, seed: int = 0, max_length: int = 20) -> Backbone:
    """A seeded network of two boundaries, pretrained on nothing."""
    names = (word for name in (*PEOPLE, *PLACES) for word in name.split())
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *names]
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
