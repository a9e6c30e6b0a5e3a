"""A loaded model: inputs in, predictions out. What is served is what was trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from torch import nn

from headstart.contracts import Example, Modality, Prediction, Task, View
from headstart.data.batches import EvaluationBatches, MakeView
from headstart.data.layout import shown
from headstart.data.prefetch import prefetch
from headstart.errors import DataError
from headstart.evaluation.calibration import tempered
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.training.device import fixed_batches

THREADS = 4
# Batches' worth of inputs that are looked at together where those of one length share a batch.
RAGGED = 32


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
    def family(self) -> str:
        """Of its inputs: "image" or "text"."""
        return self._modality.family

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that it can read."""
        return self._modality.suffixes

    @property
    def temperature(self) -> float:
        """By which the network's logits are divided."""
        return self._temperature

    def predict(self, inputs: Iterable[Any]) -> list[Prediction]:
        """Predict inputs, in order.

        Args:
            inputs: of images, paths, bytes of files, PIL images or arrays (H, W, 3) uint8; of texts,
                texts or paths (as `Path`) of text files, or pairs of them where it was trained on pairs.

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
        together = self._batch_size * (RAGGED if self._modality.ragged else 1)
        while some := list(islice(answers, together)):
            views = {example.id: answer for example, answer in some if isinstance(answer, View)}
            readable = [example for example, _ in some if example.id in views]
            made = self._run(readable, lambda example, _, views=views: views[example.id], threads=1)  # type: ignore[misc]
            inputs = (example.input for example in readable)
            predictions = map(self.task.decode, made, inputs)
            yield from (next(predictions) if isinstance(answer, View) else answer for _, answer in some)

    def outputs(self, examples: Sequence[Example]) -> list[Any]:
        """What `predict` decodes, of the examples of a dataset."""
        return self._run(examples, self._modality.view, threads=THREADS)

    def _run(self, examples: Sequence[Example], view: MakeView, *, threads: int) -> list[Any]:
        batches = EvaluationBatches(
            examples, view, self.task.collate, batch_size=self._batch_size, threads=threads
        )
        with fixed_batches("predictions", size=self._batch_size, device=self._device):
            outputs = compute_outputs(self.task, self.torch, batches, device=self._device)
        return tempered(in_order(outputs, examples), self._temperature)

    def _view(self, example: Example) -> tuple[Example, View | DataError]:
        try:
            if self._modality.paired:
                self._refuse_other_count(example)
            return example, self._modality.view(example, None)
        except DataError as error:
            return example, error

    def _refuse_other_count(self, example: Example) -> None:
        """An input of another number of texts than those of training."""
        columns = self.facts.get("columns") or ["text"]
        count = len(example.input) if isinstance(example.input, (tuple, list)) else 1
        if count != len(columns):
            raise DataError(
                f"{example.origin}: has {_parts(count)}, but the model was trained on {_parts(len(columns))} "
                f"({', '.join(columns)}).",
                "Give a tuple in Python; on the command line, a table with these columns."
                if len(columns) > 1
                else "Give the texts one by one.",
            )


def _parts(count: int) -> str:
    return {1: "one text", 2: "a pair of texts"}.get(count, f"{count} texts")


def _name(value: Any, place: int) -> str:
    """What a message calls an input."""
    said = isinstance(value, (str, Path)) and str(value).strip()
    return shown(value) if said else f"input {place + 1}"
