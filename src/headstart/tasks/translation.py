"""A text for a text: its translation, its summary, whatever pairs show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import nn

from headstart.contracts import Batch, Example, Exhibits, Part, Prediction, Scorer, Shown
from headstart.modalities.text.prompts import shown
from headstart.tasks.writing import Draft, Writing
from headstart.tasks.writing_scores import bleu, chrf

# Of examples in the report: the worst, and some of the others.
WORST, OTHERS = 12, 6


class Translation(Writing):
    """Networks with an encoder and a decoder, which write by beam search.

    The main score is chrF: on the few hundred short texts of a small test set most have no run of four
    words in common with their reference, which BLEU counts, while runs of characters are many, and nearly
    right words count in part. Among scores of strings, people agree with it most (Kocmi et al., 2021).
    """

    name: ClassVar[str] = "translation"
    form: ClassVar[str] = "parallel-texts"
    asked: ClassVar[str] = '["some text"]'
    metrics: ClassVar[tuple[str, ...]] = ("chrf", "bleu", "loss", "perplexity")
    beams: ClassVar[int] = 4

    def outputs(self, network: nn.Module, batch: Batch) -> list[Draft]:
        """Of each example what the network writes, and the loss where it has a target."""
        written = self.write(network, batch)
        if batch.targets is None:
            return written
        losses = self.quick_outputs(network, batch)
        return [
            Draft(loss.loss, loss.tokens, draft.text) for loss, draft in zip(losses, written, strict=True)
        ]

    def scorers(self, outputs: Sequence[Any], targets: Sequence[Any]) -> dict[str, Scorer]:
        """Those of the loss, and where texts were written, those of texts."""
        scorers = super().scorers(outputs, targets)
        if any(draft.text is None for draft in outputs):
            return scorers
        said, references = [draft.text for draft in outputs], [[target] for target in targets]
        return {"chrf": chrf(said, references), "bleu": bleu(said, references), **scorers}

    def cells(self, example: Example, output: Any) -> dict[str, Any]:
        """Source, reference and output side by side, with scores of the example alone."""
        reference = self.encode(example)
        return {
            "source": shown(example.input),
            "reference": reference,
            "output": output.text,
            "chrf": _alone(output.text, reference),
            "loss": output.loss_per_token,
            "tokens": output.tokens,
        }

    def exhibits(
        self,
        examples: Sequence[Example],
        outputs: Sequence[Any],
        ask: Callable[[Sequence[Any]], Sequence[Prediction]],
    ) -> Exhibits:
        """Those with the worst chrF, and some of the others by chance."""
        values = [_alone(draft.text, self.encode(e)) for e, draft in zip(examples, outputs, strict=True)]
        order = sorted(range(len(examples)), key=values.__getitem__)
        others = np.random.default_rng(0).permutation(order[WORST:])[:OTHERS].tolist()
        worst = order[:WORST]
        return Exhibits(
            "Texts side by side",
            f"The {len(worst)} test examples with the lowest chrF, worst first"
            + (f", then {len(others)} of the others by chance." if others else "."),
            [
                Shown(
                    f"{examples[place].id}, chrF {values[place]:.2f}",
                    (
                        Part("source", shown(examples[place].input)),
                        Part("reference", self.encode(examples[place])),
                        Part("output", outputs[place].text),
                    ),
                )
                for place in (*worst, *others)
            ],
        )


def _alone(text: str, reference: str) -> float:
    """chrF of one text."""
    return float(chrf([text], [[reference]])(np.ones((1, 1)))[0])
