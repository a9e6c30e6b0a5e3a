"""Questions and their contexts as a report shows them: what was said and what is true, marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headstart.contracts import Answer, Exhibits, Mark, Part, Shown
from headstart.tasks.answer_scores import matches

# Mistakes that are shown, and right answers behind them.
MISTAKES, RIGHT = 24, 6
NOTHING = "no answer"


@dataclass(frozen=True)
class Asked:
    """A question, what was said of it, and what is true.

    Attributes:
        id: of the example.
        question, context: of it.
        place: of what was said, first character and the one behind the last; None said that there is
            no answer.
        score: its probability.
        answers: that are true.
    """

    id: str
    question: str
    context: str
    place: tuple[int, int] | None
    score: float
    answers: Sequence[Answer]

    @property
    def right(self) -> bool:
        """Whether it is an exact match."""
        said = "" if self.place is None else self.context[slice(*self.place)]
        return matches(said, [answer.text for answer in self.answers])


def exhibits_of(asked: Sequence[Asked]) -> Exhibits:
    """The most confident mistakes, then a few of the right answers that were least sure."""
    wrong = sorted((one for one in asked if not one.right), key=lambda one: (-one.score, one.id))
    right = sorted((one for one in asked if one.right), key=lambda one: (one.score, one.id))
    note = f"{len(wrong)} of {len(asked)} answers are no exact match"
    if wrong:
        note += (
            "; the surest of them come first"
            if len(wrong) <= MISTAKES
            else f"; the surest {MISTAKES} of them"
        )
    if right:
        note += f", then the {'one' if len(right) == 1 else min(RIGHT, len(right))} right that "
        note += "was least sure" if len(right) == 1 else "were least sure"
    return Exhibits(
        title="Answers in their contexts",
        note=f"{note}.",
        shown=[_shown(one) for one in (*wrong[:MISTAKES], *right[:RIGHT])],
    )


def _shown(one: Asked) -> Shown:
    parts = [Part("question", one.question), Part("context", one.context, tuple(_marks(one)))]
    if one.place is None:
        parts.append(Part(f"said, at {100 * one.score:.0f} %", NOTHING))
    else:
        parts.append(Part(f"said, at {100 * one.score:.0f} %", one.context[slice(*one.place)]))
    if not one.right:
        parts.append(Part("true", " | ".join(answer.text for answer in one.answers) or NOTHING))
    return Shown(one.id, parts)


def _marks(one: Asked) -> Iterator[Mark]:
    """What was said and the true answer that shares most with it, in stretches that do not overlap."""
    said = one.place or (0, 0)
    if one.right:
        if one.place is not None:
            yield Mark(*said, "", "right")
        return
    spans = [(answer.start, answer.start + len(answer.text)) for answer in one.answers]
    true = max(spans, key=lambda span: min(span[1], said[1]) - max(span[0], said[0]), default=(0, 0))
    edges = sorted({*said, *true})
    for start, stop in pairwise(edges):
        is_said, is_true = (span[0] <= start and stop <= span[1] for span in (said, true))
        if is_said or is_true:
            yield Mark(start, stop, "", "right" if is_said and is_true else "wrong" if is_said else "missed")
