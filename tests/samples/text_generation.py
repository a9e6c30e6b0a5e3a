"""A little of what text-generation works on (what comes next), for the contract tests."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint, some_words

from headstart.contracts import Backbone, Chat, Example
from headstart.sources.hf import HuggingFace


def examples(folder: Path, *, count: int = 12) -> list[Example]:
    """Prompts, conversations and texts alone, of different lengths."""
    found = []
    for number in range(count):
        words = some_words(number)
        prompt: str | Chat = " ".join(words)
        if number % 3 == 1:
            prompt = Chat((("user", " ".join(words[:2])),))
        target = " ".join(reversed(words))
        found.append(
            Example(f"{number:02d}", "" if number % 3 == 2 else prompt, target, origin=f"row {number}")
        )
    return found


def backbone() -> Backbone:
    """A small seeded GPT-2 with all of its layers."""
    with TemporaryDirectory() as folder:
        return HuggingFace().load(
            str(save_checkpoint("gpt2", Path(folder), writes=True)), task="text-generation"
        )
