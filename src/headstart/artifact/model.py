"""A loaded model: inputs in, predictions out. What is served is what was trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.artifact.exported import Exported
from headstart.artifact.golden import Golden
from headstart.contracts import Batch, Example, Modality, Prediction, Task, View
from headstart.data.batches import EvaluationBatches, MakeView
from headstart.data.layout import shown
from headstart.data.placing import placed
from headstart.data.prefetch import prefetch
from headstart.errors import DataError
from headstart.evaluation.calibration import tempered
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.training.device import fixed_batches

THREADS = 4
# Batches' worth of inputs that are looked at together where those of one length share a batch.
RAGGED = 32
# Numbers that are told of the features of an input.
PROJECTED = 32


@dataclass(frozen=True)
class Answered:
    """What a model says of one input.

    Attributes:
        prediction: what the user sees.
        output: what it was decoded from, temperature applied.
        features: (D,) float32 of what the head was given, projected; None where it is no one row an input.
    """

    prediction: Prediction
    output: Any
    features: np.ndarray | None


class Model:
    """A fine-tuned network with all that it needs to predict.

    Attributes:
        torch: the plain `nn.Module`; takes what `modality.view` gives, returns logits. Of an export, what
            calls its engine in the place of one.
        task: with `labels`.
        facts: what bundle.json says.
        golden: inputs that it carries, and what was said of them.
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
        golden: Golden | None = None,
    ) -> None:
        self.torch = network.eval().to(device)
        self.task = task
        self.facts = facts
        self.golden = golden or Golden()
        self._modality = modality
        self._temperature = temperature
        self._batch_size = batch_size
        self._device = device

    def computed_by(self, network: nn.Module, modality: Modality, facts: Mapping[str, Any]) -> Model:
        """The same model where another network computes it.

        Args:
            network: that divides by the temperature itself.
            modality: that makes its views.
            facts: of it.
        """
        return Model(
            network=network,
            task=self.task,
            modality=modality,
            temperature=1.0,
            batch_size=self._batch_size,
            device="cpu",
            facts=facts,
            golden=self.golden,
        )

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
    def modality(self) -> Modality:
        """That makes its views."""
        return self._modality

    @property
    def engine(self) -> str:
        """What computes it, for people."""
        return self.torch.engine if isinstance(self.torch, Exported) else f"torch ({self._device})"

    @property
    def abreast(self) -> int:
        """Calls of `answer` that are computed beside each other no slower than one after another."""
        return self.torch.abreast if isinstance(self.torch, Exported) else 1

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

    def view(self, value: Any, *, name: str) -> View:
        """One input made ready; may be called from several threads.

        Args:
            value: as of `predict`.
            name: that messages call it.

        Raises:
            DataError: it cannot be read.
        """
        _, answer = self._view(Example(name, value, origin=name))
        if isinstance(answer, DataError):
            raise answer
        return answer

    def answer(self, views: Sequence[View], values: Sequence[Any]) -> list[Answered]:
        """One pass over just these inputs, not filled up to a batch; may be called from several threads.

        The last digits of an answer may depend on the inputs beside it, as they do not in `predict`.

        Args:
            views: as `view` gives them.
            values: the inputs that they were made of.
        """
        examples = [Example(str(place), value) for place, value in enumerate(values)]
        batch = self.task.collate(examples, views)
        with torch.inference_mode():
            outputs, features = self._answered(batch)
        outputs = tempered(outputs, self._temperature)
        rows: Iterable[Any] = [None] * len(values) if features is None else self._projected(features)
        return [
            Answered(self.task.decode(output, value), output, row)
            for output, value, row in zip(outputs, values, rows, strict=True)
        ]

    def _answered(self, batch: Batch) -> tuple[Sequence[Any], Tensor | None]:
        """Outputs of a batch, before the temperature, and features where the task has a row an input."""
        network: Any = self.torch
        if not self.task.probed:
            on_device = replace(batch, inputs=placed(batch.inputs, self._device))
            return self.task.outputs(network, on_device), None
        if isinstance(network, Exported):
            values, features = network.compute(batch.inputs)
        else:
            features = network.backbone(**placed(batch.inputs, self._device))
            values = network.head(features)
        # The task reads what the head gives; it need not be computed again.
        return self.task.outputs(lambda **_: values, batch), features  # type: ignore[arg-type]

    def _projected(self, features: Tensor) -> np.ndarray:
        """(N, D) float32 of (N, features)."""
        rows: np.ndarray = features.float().cpu().numpy()
        return rows if rows.shape[1] <= PROJECTED else rows @ self._projection

    @cached_property
    def _projection(self) -> np.ndarray:
        """Random directions: they keep distances nearly (Johnson and Lindenstrauss, 1984), and need no data.

        A function of the number of features alone, so that rows of two versions of a model compare.
        """
        size = self.facts["feature_size"]
        drawn = np.random.Generator(np.random.Philox(key=size)).standard_normal((size, PROJECTED))
        projection: np.ndarray = (drawn / np.sqrt(PROJECTED)).astype(np.float32)
        return projection

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
