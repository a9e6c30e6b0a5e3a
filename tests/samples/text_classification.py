"""A little of what text classification works on, for the contract tests."""

import sys
from pathlib import Path

# Samples are loaded by path.
sys.path.insert(0, str(Path(__file__).parent))

from tiny_token_net import TinyTextNet, backbone_of

from headstart.contracts import Backbone, Example

WORDS = {
    "good": ("fine", "warm", "great"),
    "bad": ("dull", "cold", "poor"),
    "odd": ("strange", "weird", "queer"),
}
PLAIN = ("the", "film", "was", "a", "very", "and")


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
    """A seeded network that knows these words."""
    telling = (word for words in WORDS.values() for word in words)
    return backbone_of(TinyTextNet, (*PLAIN, *telling), seed=seed, max_length=32)
