"""Where a training run stands, as one value that serialises. Holds no tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from headstart.contracts import Phase, Validated
from headstart.training.feed import Validation
from headstart.training.schedule import plateau_factor

# A training loss below which steps change nothing any more, in nats.
LEARNT = 0.01


@dataclass(frozen=True)
class TrainState:
    """Everything about a run but its tensors.

    Attributes:
        micro_batch: examples computed at once; halved after an out-of-memory.
        phase: index of the phase under way.
        epoch: passes completed, over all phases.
        position: batches of this epoch that are done.
        step: optimiser steps done, over all phases.
        phase_step: of these, in this phase.
        bad_validations: of this phase, since the last one that was the best.
        plateau: factor that the plateau schedule has come down to in this phase.
        history: every validation of the run.
    """

    micro_batch: int
    phase: int = 0
    epoch: int = 0
    position: int = 0
    step: int = 0
    phase_step: int = 0
    bad_validations: int = 0
    plateau: float = 1.0
    history: tuple[Validated, ...] = ()

    @property
    def best(self) -> Validated | None:
        """The best validation so far; see `is_best`."""
        return next((validated for validated in reversed(self.history) if validated.best), None)

    @property
    def is_validated(self) -> bool:
        """Whether the weights are those of the last validation."""
        return self.position == 0 and bool(self.history)

    def is_best(self, metric: float, loss: float, *, lower_is_better: bool = False) -> bool:
        """Whether a validation with these values would be the best so far; ties go by the loss."""
        if self.best is None:
            return True
        sign = -1 if lower_is_better else 1
        return _rank(sign * metric, loss) > _rank(sign * self.best.metric, self.best.loss)

    def gained(self, start: Validation | None, *, lower_is_better: bool = False) -> bool:
        """Whether the last phase with a validation found the best weights, better than those to start with.

        Args:
            start: what these gave; None is not known, and below anything.
            lower_is_better: whether the metric is an error.
        """
        best = self.best
        if best is None or best.phase != self.history[-1].phase:
            return False
        sign = -1 if lower_is_better else 1
        if start is None:
            return True
        return _rank(sign * best.metric, best.loss) > _rank(sign * start.metric, start.loss)

    def after_step(self, batches: int, micro_batch: int) -> TrainState:
        """The state after an optimiser step on so many batches."""
        return replace(
            self,
            micro_batch=micro_batch,
            position=self.position + batches,
            step=self.step + 1,
            phase_step=self.phase_step + 1,
        )

    def after_epoch(self, validated: Validated) -> TrainState:
        """The state after an epoch and its validation."""
        bad = 0 if validated.best else self.bad_validations + 1
        return replace(
            self,
            epoch=self.epoch + 1,
            position=0,
            bad_validations=bad,
            plateau=plateau_factor(self.plateau, bad),
            history=(*self.history, validated),
        )

    def after_phase(self) -> TrainState:
        """The state in which the next phase begins."""
        return replace(self, phase=self.phase + 1, phase_step=0, bad_validations=0, plateau=1.0)

    def why_over(self, phase: Phase, phase_steps: int) -> str | None:
        """Why the phase is over, or None while it is not."""
        if self.phase_step >= phase_steps and self.position == 0:
            return "epochs done"
        learnt = self.bad_validations and self.history[-1].train_loss < LEARNT
        if phase.patience and (learnt or self.bad_validations >= phase.patience):
            return "early stopping"
        return None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, exact."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TrainState:
        """From what `as_dict` gave."""
        history = tuple(Validated(**validated) for validated in plain["history"])
        return cls(**{**plain, "history": history})


def _rank(metric: float, loss: float) -> tuple[float, float]:
    """For comparing: NaN is worse than any number."""
    return (-math.inf if math.isnan(metric) else metric, -math.inf if math.isnan(loss) else -loss)
