"""What inputs and targets of texts may be, beside plain texts and pairs of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

# Words as languages with spaces write them; every other sign is a word of its own.
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Words:
    """A text and where its words stand in it: an input whose words are tagged one by one.

    Attributes:
        text: all of it.
        spans: first character of each word, and the one behind it.
    """

    text: str
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def joined(cls, words: Sequence[str]) -> Self:
        """Words as data gives them, a space between each two."""
        spans, place = [], 0
        for word in words:
            spans.append((place, place + len(word)))
            place += len(word) + 1
        return cls(" ".join(words), tuple(spans))

    @classmethod
    def within(cls, text: str) -> Self:
        """The words of a text that nobody has split."""
        return cls(text, tuple(found.span() for found in _WORD.finditer(text)))

    @property
    def words(self) -> tuple[str, ...]:
        """The words themselves."""
        return tuple(self.text[start:stop] for start, stop in self.spans)


@dataclass(frozen=True, slots=True)
class Answer:
    """A stretch of a context that answers a question.

    Attributes:
        text: as it stands in the context.
        start: its first character there.
    """

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that is to be gone on with.

    Attributes:
        turns: (role, what was said), roles "system", "user" and "assistant"; the last one is not
            the assistant's.
    """

    turns: tuple[tuple[str, str], ...]
