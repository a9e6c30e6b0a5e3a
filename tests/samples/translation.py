"""A little of what translation works on (a text for a text), for the contract tests."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint, some_words

from headstart.contracts import Backbone, Example
from headstart.sources.hf import HuggingFace


def examples(folder: Path, *, count: int = 12) -> list[Example]:
    """Sentences of different lengths, and their words in the opposite order."""
    found = []
    for number in range(count):
        words = some_words(number)
        source, target = " ".join(words), " ".join(reversed(words[number % 2 :]))
        found.append(Example(f"{number:02d}", source, target, origin=f"row {number}"))
    return found


def backbone() -> Backbone:
    """A small seeded T5 with all of its layers."""
    with TemporaryDirectory() as folder:
        return HuggingFace().load(str(save_checkpoint("t5", Path(folder), writes=True)), task="translation")
