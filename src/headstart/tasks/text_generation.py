"""What comes next: answers to prompts, the assistant's turn in a conversation, or more of a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.contracts import Example, Exhibits, Part, Prediction, Shown
from headstart.modalities.text.prompts import Opening, shown
from headstart.tasks.writing import Writing

# Test examples for which the report lets the model write.
ASKED = 8
# Characters of a text without a prompt that it is to go on with, at most.
OPENING = 200


class TextGeneration(Writing):
    """Networks that go on with a text, which take the likeliest token at each step.

    The loss is that of the response alone, and of all of a text that nothing comes before. The main score is
    perplexity, as of answers that may be worded in many ways no comparison with one of them says much.
    """

    name: ClassVar[str] = "text-generation"
    form: ClassVar[str] = "continuations"
    asked: ClassVar[str] = '["some prompt"]'
    metrics: ClassVar[tuple[str, ...]] = ("perplexity", "loss")
    beams: ClassVar[int] = 1

    def cells(self, example: Example, output: Any) -> dict[str, Any]:
        """Prompt and reference, and how well the reference was told."""
        return {
            "prompt": shown(example.input),
            "reference": self.encode(example),
            "loss": output.loss_per_token,
            "tokens": output.tokens,
            "perplexity": float(np.exp(output.loss_per_token)),
        }

    def exhibits(
        self,
        examples: Sequence[Example],
        outputs: Sequence[Any],
        ask: Callable[[Sequence[Any]], Sequence[Prediction]],
    ) -> Exhibits:
        """What the model writes for a few of them, from all over the test data."""
        places = np.linspace(0, len(examples) - 1, min(ASKED, len(examples))).round().astype(int)
        asked = [_asked(examples[place], self.encode(examples[place])) for place in places]
        answers = ask([prompt for prompt, _ in asked])
        return Exhibits(
            "Texts as the model writes them",
            f"{len(asked)} test examples from all over the data; the likeliest token was taken at each step.",
            [
                Shown(
                    examples[place].id,
                    (
                        Part("prompt", shown(prompt)),
                        Part("reference", reference),
                        Part("output", str(answer.cells()["text"])),
                    ),
                )
                for place, (prompt, reference), answer in zip(places, asked, answers, strict=True)
            ],
        )


def _asked(example: Example, target: str) -> tuple[Any, str]:
    """What the model is given, and what is right: of a text alone its beginning, and the rest."""
    if not isinstance(example.input, str) or example.input.strip():
        return example.input, target
    beginning = target[: min(OPENING, max(1, len(target) // 2))]
    if " " in beginning.strip():
        beginning = beginning[: beginning.rindex(" ")]
    return Opening(beginning), target[len(beginning) :].strip()
