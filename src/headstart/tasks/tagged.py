"""What is said of the words of a text, as users and reports see it. Knows no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

from headstart.contracts import Example, Mark, Part, Prediction, Shown, Words
from headstart.modalities.text.words import words_of
from headstart.tasks.entities import OUTSIDE, Span, parted, spans
from headstart.tasks.metrics import Floats

# Of the examples with mistakes.
SHOWN = 24


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of a text that a model has found.

    Attributes:
        start, stop: its first character, and the one behind its last.
        text: what stands there.
        label: its type.
        score: mean probability of the tags that its words were given.
    """

    start: int
    stop: int
    text: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Tagged(Prediction):
    """What a model says of the words of a text.

    Attributes:
        words: of the text; none where it was not given.
        tags: one for each word.
        entities: in their order; None where tags tell of none, as parts of speech.
    """

    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    entities: tuple[Entity, ...] | None = None

    def cells(self) -> dict[str, Any]:
        """Its entities as "label:text", or all its tags."""
        if self.entities is None:
            return {"tags": " ".join(self.tags)}
        return {"entities": "; ".join(f"{entity.label}:{entity.text}" for entity in self.entities)}


def tells_entities(tags: Iterable[str]) -> bool:
    """Whether tags are those of entities: one is ``O``, or has a prefix such as ``B-``."""
    return any(tag == OUTSIDE or ("-" in tag and parted(tag)[1] != tag) for tag in tags)


def found_entities(said: Words, tags: Sequence[str], scores: Floats) -> tuple[Entity, ...]:
    """The entities in the tags of a text.

    Args:
        said: the text.
        tags: one for each of its words.
        scores: probability of each tag, (W,).
    """
    found = []
    for span in sorted(spans(tags)):
        start, stop = _characters(said, span)
        score = float(scores[span.start : span.stop].mean())
        found.append(Entity(start, stop, said.text[start:stop], span.type, score))
    return tuple(found)


def listed(said: Words, found: AbstractSet[Span]) -> str:
    """Entities as "label:text", in their order."""
    return "; ".join(f"{span.type}:{said.text[slice(*_characters(said, span))]}" for span in sorted(found))


def shown(
    examples: Sequence[Example],
    said: Sequence[AbstractSet[Span]],
    true: Sequence[AbstractSet[Span]],
    *,
    right_too: bool,
) -> list[Shown]:
    """The examples with the most mistakes, in a few of the others where there are none.

    Args:
        examples: N of them.
        said: what was found in each.
        true: what is there.
        right_too: whether what was said rightly is marked, too.
    """
    mistakes = [len(given ^ there) for given, there in zip(said, true, strict=True)]
    order = sorted(range(len(examples)), key=lambda place: (-mistakes[place], examples[place].id))
    chosen = [place for place in order if mistakes[place] or (right_too and not any(mistakes))][:SHOWN]
    return [
        Shown(examples[place].id, _parts(examples[place], said[place], true[place], right_too=right_too))
        for place in chosen
    ]


def _parts(
    example: Example, said: AbstractSet[Span], true: AbstractSet[Span], *, right_too: bool
) -> list[Part]:
    """The text, marked; twice where what was said lies over what is true."""
    words = words_of(example.input)
    kinds: dict[Literal["right", "wrong", "missed"], AbstractSet[Span]] = {
        "right": said & true if right_too else set(),
        "wrong": said - true,
        "missed": true - said,
    }
    marks = {
        kind: [Mark(*_characters(words, span), span.type, kind) for span in sorted(found)]
        for kind, found in kinds.items()
    }
    if _overlap(kinds["wrong"], kinds["missed"]):
        return [
            Part("said", words.text, [*marks["right"], *marks["wrong"]]),
            Part("true", words.text, [*marks["right"], *marks["missed"]]),
        ]
    return [Part("text", words.text, [mark for some in marks.values() for mark in some])]


def _overlap(some: AbstractSet[Span], others: AbstractSet[Span]) -> bool:
    return any(one.start < other.stop and other.start < one.stop for one in some for other in others)


def _characters(said: Words, span: Span) -> tuple[int, int]:
    """Where the words of an entity stand."""
    return said.spans[span.start][0], said.spans[span.stop - 1][1]
