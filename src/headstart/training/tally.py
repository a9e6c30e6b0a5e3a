"""What the steps of an epoch gave: loss, outputs and targets. Decides nothing.

On an accelerator they stay where they were computed and are looked at late, since the processor
that reads a number waits for everything that it had queued before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from headstart.contracts import StepDone
from headstart.errors import NonFiniteLoss, a_few
from headstart.training.gradients import Gradients

# The main metric, from (N, ...) outputs, as `Task.loss` gives them, and their N encoded targets.
TrainMetric = Callable[[Tensor, Tensor], float]

# Numbers of outputs that are kept, 16 MB.
KEPT = 2**22


@dataclass(frozen=True, slots=True)
class _Noted:
    """A step that is not looked at yet; the loss of its event is not known."""

    step: StepDone
    gradients: Gradients
    norm: Tensor


class Tally:
    """The epoch under way.

    Args:
        every: steps that are noted before they are looked at; 1 looks at each at once.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._noted: list[_Noted] = []
        self.clear()

    def clear(self) -> None:
        """Begin an epoch."""
        self._loss = self._units = 0.0
        self._outputs: deque[Tensor] = deque()
        self._targets: deque[Tensor] = deque()
        self._examples = 0

    def note(self, step: StepDone, gradients: Gradients, norm: Tensor) -> list[StepDone]:
        """Take note of a step; gives the steps that it was time to look at.

        Args:
            step: without its loss.
            gradients: of the step.
            norm: of the gradient.

        Raises:
            NonFiniteLoss: as `look`.
        """
        self._noted.append(_Noted(step, gradients, norm))
        return self.look() if len(self._noted) == self._every else []

    def look(self) -> list[StepDone]:
        """The steps noted since the last look, with their losses.

        Raises:
            NonFiniteLoss: a loss or gradient is NaN or infinite; names the first such step, and
                its examples with the worst loss.
        """
        noted, self._noted = self._noted, []
        done = []
        for one, (loss, norm) in zip(noted, _numbers(noted), strict=True):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise _non_finite(one, "gradient" if math.isfinite(loss) else "loss")
            self._loss += loss
            self._units += one.gradients.units
            done.append(replace(one.step, loss=loss / one.gradients.units))
        pieces = [piece for one in noted for piece in one.gradients.pieces]
        if outputs := [piece.outputs for piece in pieces if piece.outputs is not None]:
            self._keep(torch.cat(outputs).cpu(), torch.cat([piece.targets for piece in pieces]).cpu())
        return done

    @property
    def loss(self) -> float:
        """Mean per unit of the steps that were looked at; NaN before the first."""
        return self._loss / self._units if self._units else math.nan

    def metric(self, metric: TrainMetric) -> float:
        """A metric over the epoch's examples, over its last ones where it has very many; else NaN."""
        return metric(*self._rows()) if self._outputs else math.nan

    def tensors(self) -> dict[str, Tensor]:
        """All of it, once everything is looked at; nothing of an epoch that has not begun."""
        if not self._units:
            return {}
        sums = torch.tensor([self._loss, self._units], dtype=torch.float64)
        if not self._outputs:
            return {"sums": sums}
        outputs, targets = self._rows()
        return {"sums": sums, "outputs": outputs, "targets": targets}

    def load(self, saved: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        self.clear()
        if saved:
            self._loss, self._units = saved["sums"].tolist()
        if "outputs" in saved:
            self._keep(saved["outputs"], saved["targets"])

    def _keep(self, outputs: Tensor, targets: Tensor) -> None:
        """Keep rows, and drop the oldest that are not needed."""
        self._outputs.append(outputs)
        self._targets.append(targets)
        self._examples += len(outputs)
        while self._examples - len(self._outputs[0]) >= _room(outputs):
            self._examples -= len(self._outputs.popleft())
            self._targets.popleft()

    def _rows(self) -> tuple[Tensor, Tensor]:
        """The last rows that there is room for, however they came."""
        room = _room(self._outputs[0])
        return torch.cat([*self._outputs])[-room:], torch.cat([*self._targets])[-room:]


def _room(outputs: Tensor) -> int:
    """How many such rows are kept."""
    return max(1, KEPT // max(1, outputs[0].numel()))


def _numbers(noted: Sequence[_Noted]) -> list[list[float]]:
    """Loss and norm of each step, read at once."""
    pairs = [torch.stack((one.gradients.loss, one.norm)) for one in noted]
    numbers: list[list[float]] = torch.stack(pairs).tolist() if pairs else []
    return numbers


def _non_finite(noted: _Noted, what: str) -> NonFiniteLoss:
    losses = {
        name: loss
        for piece in noted.gradients.pieces
        for name, loss in zip(piece.ids, piece.loss.per_example.tolist(), strict=True)
    }
    broken = [name for name, loss in losses.items() if not math.isfinite(loss)]
    worst = broken or sorted(losses, key=lambda name: losses[name], reverse=True)
    return NonFiniteLoss(
        f"Step {noted.step.step} of epoch {noted.step.epoch}: the {what} is not finite. "
        f"Examples with the worst loss: {a_few(worst)}.",
        "Look at these examples, or lower the learning rate; the last checkpoint is intact.",
    )
