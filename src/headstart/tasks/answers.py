"""What is answered to a question on a context, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.contracts import Answer, Prediction


@dataclass(frozen=True)
class Answered(Prediction):
    """What a model answers.

    Attributes:
        answer: as it stands in the context; None where it says that there is none.
        start: its first character there.
        stop: the character behind its last.
        score: its probability among the likeliest answers.
    """

    answer: str | None = None
    start: int | None = None
    stop: int | None = None

    def cells(self) -> dict[str, Any]:
        """The answer and its probability."""
        return {"answer": self.answer, "score": self.score}


@dataclass(frozen=True)
class Truth:
    """What is true of an example.

    Attributes:
        context: all of it.
        answers: stretches of it, any of which is right; none where the context has no answer.
    """

    context: str
    answers: tuple[Answer, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Of the answers."""
        return tuple(answer.text for answer in self.answers)

    @property
    def first(self) -> Answer | None:
        """The answer that is learned."""
        return self.answers[0] if self.answers else None
