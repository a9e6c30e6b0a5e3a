"""A little of what question answering works on, for the contract tests."""

import sys
from pathlib import Path

# Samples are loaded by path.
sys.path.insert(0, str(Path(__file__).parent))

from tiny_token_net import TinyTokenNet, backbone_of

from headstart.contracts import Answer, Backbone, Example

PEOPLE = ("ann", "bob", "carl", "dora", "emil", "fred")
PLACES = ("oslo", "new york", "rome", "the hague", "bonn", "paris")
PLAIN = ("where", "is", "in", "from", "?", ".")


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
    """A seeded network that knows these words."""
    names = (word for name in (*PEOPLE, *PLACES) for word in name.split())
    return backbone_of(TinyTokenNet, (*PLAIN, *names), seed=seed, max_length=max_length)
