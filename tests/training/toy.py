"""A task, a network and data so small that a training run takes a tenth of a second."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.config.schema import Augmentation
from headstart.contracts import Batch, Boundary, Event, Head, Loss, Objective, Phase
from headstart.planning.plan import OptimiserPlan, Plan
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.feed import Feed, TrainBatches, Validation
from headstart.training.feed import Validate as AnyValidate
from headstart.training.loop import TrainResult, train

CLASSES, SIDE = 3, 6


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.stem_norm = nn.BatchNorm2d(4)
        self.block = nn.Conv2d(4, 6, 3)
        self.block_norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem_norm(self.stem(x)))
        x = torch.relu(self.block_norm(self.block(x)))
        return self.drop(x.mean((2, 3)))


class Network(nn.Module):
    def __init__(self, classes: int = CLASSES, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.backbone = Backbone()
            self.head = nn.Linear(6, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


BOUNDARIES = tuple(
    Boundary(
        name=name,
        modules=modules,
        parameters=tuple(f"{module}.{kind}" for module in modules[:2] for kind in ("weight", "bias")),
    )
    for name, modules in (("stem", ("stem", "stem_norm")), ("block", ("block", "block_norm", "drop")))
)


class ToyTask:
    """Cross-entropy, with mixup; only what the loop asks of a task."""

    lower_is_better = frozenset({"error"})

    def __init__(self, watched: str = "accuracy") -> None:
        self.watched = watched

    def contrast(self, network: nn.Module, batch: Batch) -> Loss:
        """Of how far all logits are from 0: any loss that is not that of the labels."""
        losses = network(**batch.inputs).square().mean(dim=1)
        return Loss(losses.sum(), len(batch), losses.detach())

    def mix(self, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
        share = 0.5 + 0.5 * float(torch.rand((), generator=generator))
        order = torch.randperm(len(batch), generator=generator)
        x, targets = batch.inputs["x"], batch.targets
        return replace(
            batch,
            inputs={"x": share * x + (1 - share) * x[order]},
            targets=share * targets + (1 - share) * targets[order],
        )

    def loss(self, network: nn.Module, batch: Batch, objective: Objective) -> tuple[Loss, Any]:
        logits = network(**batch.inputs)
        losses = functional.cross_entropy(
            logits, batch.targets, reduction="none", label_smoothing=objective.label_smoothing
        )
        return Loss(losses.sum(), len(batch), losses.detach()), logits


class Data:
    """Images of noise with a brighter column for each class, in an order of (seed, epoch)."""

    def __init__(self, count: int = 22, batch_size: int = 4, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        labels = draw.integers(0, CLASSES, count)
        pixels = draw.normal(size=(count, 1, SIDE, SIDE)).astype(np.float32)
        pixels[np.arange(count), 0, :, labels] += 1
        self.x = torch.from_numpy(pixels)
        self.targets = functional.one_hot(torch.from_numpy(labels), CLASSES).float()
        self.ids = tuple(f"{index}.jpg" for index in range(count))
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.ids) // self.batch_size)

    def batch(self, rows: Sequence[int]) -> Batch:
        return Batch({"x": self.x[rows]}, self.targets[rows], tuple(self.ids[row] for row in rows))

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        order = np.random.default_rng([7, epoch]).permutation(len(self.ids)).tolist()
        for batch in range(start, len(self)):
            yield self.batch(order[batch * self.batch_size : (batch + 1) * self.batch_size])


class Validate:
    """Accuracy and loss on examples that training does not see."""

    def __init__(self) -> None:
        self.data = Data(count=24, seed=1)

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> Validation:
        assert not any(module.training for module in network.modules())
        logits = network(self.data.x)
        return Validation(
            metric=train_metric(logits, self.data.targets),
            loss=float(functional.cross_entropy(logits, self.data.targets)),
        )


class Told:
    """Gives the metrics and losses it is told to, and remembers the head it saw."""

    def __init__(self, metrics: Sequence[float], losses: Sequence[float] | None = None) -> None:
        self.answers = zip(metrics, losses or itertools.repeat(1.0), strict=False)
        self.heads: list[Tensor] = []

    def __call__(self, network: nn.Module) -> Validation:
        self.heads.append(network.head.weight.detach().clone())
        metric, loss = next(self.answers)
        return Validation(metric, loss)


class Recorder:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> None:
        pass


class Fallen(BaseException):
    """The process is gone: nothing handles this."""


def train_metric(outputs: Tensor, targets: Tensor) -> float:
    return float((outputs.argmax(1) == targets.argmax(1)).float().mean())


def never() -> None:
    """A stop source that never stops."""


def always(batches: TrainBatches, validate: AnyValidate) -> Feed:
    """Feeds every phase alike."""

    def feed(phase: Phase, epochs: range) -> AbstractContextManager[tuple[TrainBatches, AnyValidate]]:
        return nullcontext((batches, validate))

    return feed


def make_phases(epochs: int = 2, **settings: Any) -> tuple[Phase, ...]:
    return (
        Phase("head", epochs, {"head": 0.02}, **settings),
        Phase("block", epochs, {"head": 0.01, "block": 0.005}, **settings),
    )


def make_plan(phases: Sequence[Phase] = (), optimiser: dict[str, Any] | None = None, **settings: Any) -> Plan:
    usual = OptimiserPlan(
        name="adamw", weight_decay=0.01, momentum=0.9, clip=1.0, schedule="cosine", warmup=0.1, ema=0.0
    )
    values: dict[str, Any] = {
        "task": "toy",
        "model": "toy:toy",
        "technique": "two-phase",
        "technique_options": {},
        "phases": tuple(phases),
        "frozen": ("stem",),
        "head": Head(),
        "objective": Objective(),
        "optimiser": replace(usual, **(optimiser or {})),
        "augment": Augmentation(),
        "image_size": SIDE,
        "max_length": None,
        "batch_size": 4,
        "micro_batch": 4,
        "token_budget": None,
        "accumulate": 1,
        "evaluation_batch_size": 4,
        "precision": "fp32",
        "batch_norm": "frozen",
        "channels_last": False,
        "keep_probe": False,
        "interpolate": False,
        "refit": False,
        "folds": 1,
        "metric": "accuracy",
        "device": "cpu",
        "seed": 0,
        "decode_once": False,
        "engines": {},
        "stored": (),
        "views": 1,
        "reasons": {},
    }
    return Plan(**{**values, **settings})


def run(folder: Path, network: nn.Module, *, plan: Plan | None = None, **given: Any) -> TrainResult:
    """Train the toy; what is not given is usual."""
    phases = given.pop("phases", make_phases())
    plan = plan or make_plan(phases)
    batches = given.pop("batches", None) or Data(batch_size=plan.batch_size)
    validate = given.pop("validate", None) or Validate()
    usual = {
        "phases": phases,
        "boundaries": BOUNDARIES,
        "task": ToyTask(plan.metric),
        "plan": plan,
        "feed": always(batches, validate),
        "train_metric": train_metric,
        "checkpoints": CheckpointFolder(folder / "checkpoints"),
        "stop": never,
    }
    return train(network=network, **{**usual, **given})


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks are equal to the last bit, buffers included."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
