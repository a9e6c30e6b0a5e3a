"""A little of what token classification works on, for the contract tests."""

import sys
from pathlib import Path

# Samples are loaded by path.
sys.path.insert(0, str(Path(__file__).parent))

from tiny_token_net import TinyTokenNet, backbone_of

from headstart.contracts import Backbone, Example, Words

PLAIN = ("we", "went", "from", "to", "and", "saw")
PLACES = (("oslo",), ("new", "york"), ("the", "hague"))
PEOPLE = (("ann",), ("bob", "stone"), ("carl",))
# Words of several pieces are spelt of these.
PIECES = ("wal", "##ter", "##loo")


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
    """A seeded network that knows these words."""
    names = (word for group in (*PEOPLE, *PLACES) for word in group)
    return backbone_of(TinyTokenNet, (*PLAIN, *PIECES, *names), seed=seed, max_length=max_length)
