"""A loaded model: inputs in, predictions out. What is served is what was trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from torch import nn

from headstart.contracts import Batch, Example, Modality, Prediction, Task, View
from headstart.data.batches import EvaluationBatches, collate_padded
from headstart.data.prefetch import prefetch
from headstart.errors import DataError
from headstart.evaluation.outputs import compute_outputs
from headstart.training.device import fixed_batches

THREADS = 4


class Model:
    """A fine-tuned network with all that it needs to predict.

    Attributes:
        torch: the plain `nn.Module`; takes what `modality.view` gives, returns logits.
        task: with `labels`.
        facts: what bundle.json says.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        task: Task,
        modality: Modality,
        temperature: float,
        batch_size: int,
        device: str,
        facts: Mapping[str, Any],
    ) -> None:
        self.torch = network.eval().to(device)
        self.task = task
        self.facts = facts
        self._modality = modality
        self._temperature = temperature
        self._batch_size = batch_size
        self._device = device

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can say."""
        return self.task.labels

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that it can read."""
        return self._modality.suffixes

    def predict(self, inputs: Iterable[Any]) -> list[Prediction]:
        """Predict inputs, in order.

        Args:
            inputs: paths, bytes of files, PIL images or arrays (H, W, 3) uint8.

        Raises:
            DataError: an input cannot be read; `predict_each` goes on past it.
        """
        predictions = []
        for answer in self.predict_each(inputs):
            if isinstance(answer, DataError):
                raise answer
            predictions.append(answer)
        return predictions

    def predict_each(self, inputs: Iterable[Any]) -> Iterator[Prediction | DataError]:
        """One answer an input, in order: its prediction, or why it cannot be read."""
        if isinstance(inputs, (str, Path, bytes)):
            inputs = [inputs]
        examples = (
            Example(str(place), value, origin=_name(value, place)) for place, value in enumerate(inputs)
        )
        answers = prefetch(self._view, examples, threads=THREADS, ahead=2 * self._batch_size)
        while some := list(islice(answers, self._batch_size)):
            readable = [(example, answer) for example, answer in some if isinstance(answer, View)]
            predictions = map(self.task.decode, self._outputs_of_views(readable))
            yield from (next(predictions) if isinstance(answer, View) else answer for _, answer in some)

    def outputs(self, examples: Sequence[Example]) -> list[Any]:
        """What `predict` decodes, of the examples of a dataset."""
        return self._run(
            EvaluationBatches(
                examples,
                self._modality.view,
                self.task.collate,
                batch_size=self._batch_size,
                threads=THREADS,
            )
        )

    def _outputs_of_views(self, made: Sequence[tuple[Example, View]]) -> list[Any]:
        """The same, of one batch whose views are made."""
        if not made:
            return []
        examples, views = zip(*made, strict=True)
        return self._run([collate_padded(examples, views, self.task.collate, batch_size=self._batch_size)])

    def _run(self, batches: Iterable[Batch]) -> list[Any]:
        with fixed_batches("predictions", size=self._batch_size, device=self._device):
            outputs = compute_outputs(self.task, self.torch, batches, device=self._device)
        # Tasks whose outputs are no logits keep the temperature 1.
        return outputs if self._temperature == 1 else [output / self._temperature for output in outputs]

    def _view(self, example: Example) -> tuple[Example, View | DataError]:
        try:
            return example, self._modality.view(example, None)
        except DataError as error:
            return example, error


def _name(value: Any, place: int) -> str:
    """What a message calls an input."""
    return str(value) if isinstance(value, (str, Path)) else f"input {place + 1}"
