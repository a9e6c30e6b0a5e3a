"""A seeded network of two boundaries on words, for the samples of texts."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from transformers import BertTokenizer

from headstart.contracts import Backbone, Boundary
from headstart.modalities.text.preprocessing import TextPreprocessing

FEATURES = 8
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TinyTokenNet(nn.Module):
    """Embeddings and a layer, at every token that the mask shows."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, 6)
        self.layer = nn.Linear(6, FEATURES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.tanh(self.layer(self.embeddings(input_ids))) * attention_mask[..., None]


class TinyTextNet(TinyTokenNet):
    """The mean over what the mask shows."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return super().forward(input_ids, attention_mask).sum(1) / attention_mask.float().sum(1, keepdim=True)


def backbone_of(network: type[TinyTokenNet], words: Iterable[str], *, seed: int, max_length: int) -> Backbone:
    """The network, pretrained on nothing, with a tokenizer that knows these words."""
    known = dict.fromkeys([*SPECIAL, *words])
    tokenizer = BertTokenizer(vocab={word: place for place, word in enumerate(known)})
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = network(len(tokenizer))
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
