"""The plan: every decision resolved, with its reason. Pure data; no torch, no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from headstart.config.schema import Augmentation
from headstart.contracts import HEAD, Head, Objective, Phase

T = TypeVar("T")


@dataclass(frozen=True)
class Decision(Generic[T]):
    """A value and why it was chosen, as one short clause."""

    value: T
    reason: str


@dataclass(frozen=True)
class OptimiserPlan:
    """Optimiser and the shape of its rate over a phase; `warmup` is a share of the steps."""

    name: str
    weight_decay: float
    momentum: float
    clip: float
    schedule: str
    warmup: float
    ema: float


@dataclass(frozen=True)
class Plan:
    """Everything decided before training.

    Attributes:
        reasons: why, by the dotted name of the attribute; in the order they were decided.
        frozen: boundaries that nothing trains.
        image_size: pixels of images; None for other inputs.
        max_length: tokens of texts; None for other inputs.
        batch_size: examples held in memory at once; `accumulate` of these make a step.
        micro_batch: of these, examples computed at once in training.
        token_budget: of these, tokens computed at once in training, filled up to the longest; None for
            inputs that are no tokens.
        evaluation_batch_size: fixed, last batch padded, so that an example's scores do not
            depend on its neighbours; the bundle keeps it.
        decode_once: whether decoded inputs are kept for every view that is made of them.
        engines: what runs frozen layers, by the boundary that they end at.
        stored: for each phase, the boundary at which kept activations enter; "" where it computes
            everything.
        views: of each training example that are kept; epoch e trains on view e modulo so many.
        folds: of cross-validation, the first of which is held back as validation data; 1 is none.
        interpolate: whether weights between the probe's and the trained ones are tried, too.
        metric: the main one, on which the best weights are chosen (ties by the loss).
        in_time: whether a step may fit into the time limit, as far as is known when the plan is made. Where
            none does, nothing was tried for training, and a run that goes on decides anew.
    """

    task: str
    model: str
    technique: str
    technique_options: Mapping[str, object]
    phases: tuple[Phase, ...]
    frozen: tuple[str, ...]
    head: Head
    objective: Objective
    optimiser: OptimiserPlan
    augment: Augmentation
    image_size: int | None
    max_length: int | None
    batch_size: int
    micro_batch: int
    token_budget: int | None
    accumulate: int
    evaluation_batch_size: int
    precision: str
    batch_norm: str
    channels_last: bool
    keep_probe: bool
    interpolate: bool
    refit: bool
    folds: int
    metric: str
    device: str
    seed: int
    decode_once: bool
    engines: Mapping[str, str]
    stored: tuple[str, ...]
    views: int
    reasons: Mapping[str, str]
    in_time: bool = True

    @property
    def lr(self) -> float | None:
        """The rate that `--lr` sets: the highest of the last phase that trains layers below the head.

        Where no phase does, it is that of the last one; None where there are no phases.
        """
        deep = [phase for phase in self.phases if phase.rates.keys() != {HEAD}] or self.phases
        return max(deep[-1].rates.values()) if deep else None
