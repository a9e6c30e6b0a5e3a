"""Which pretrained models suit some data: each tried on a sample by a linear probe on its frozen features."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.artifact.result import Run
from headstart.catalog import TASKS, resolve
from headstart.config.change import with_settings
from headstart.config.schema import Config
from headstart.contracts import Backbone, Example, Head, Notice, Rows, Scan, Task
from headstart.contracts.offers import Offer
from headstart.data.check import usable
from headstart.data.dataset import select
from headstart.data.drawn import drawn
from headstart.data.duplicates import find_duplicates
from headstart.data.split import split
from headstart.errors import HeadstartError, RequestError
from headstart.evaluation.ranking import Candidate, ranked
from headstart.features.probe import held_out_logits
from headstart.features.transferability import log_me, nearest_neighbours
from headstart.planning.facts import MachineFacts
from headstart.sources.resolve import load as load_backbone
from headstart.steps.cuts import plain_network
from headstart.steps.judge import scores_of
from headstart.steps.keeping import cache_of
from headstart.steps.latency import latency
from headstart.steps.layers import Layers
from headstart.steps.prepare import inspect, modality_class, refuse_unusable, task_class, task_options
from headstart.steps.supply import Notify, Supply
from headstart.store.cache import Cache

SAMPLE = 500
# The name of a model that says: choose one.
AUTO = "auto"


@dataclass(frozen=True)
class Wanted:
    """What a model must be like to be tried.

    Attributes:
        licences: of the weights, one of these; empty is any.
        latency: seconds that one input alone may take here; None is any.
    """

    licences: Sequence[str] = ()
    latency: float | None = None

    def allows(self, licence: str) -> bool:
        """Whether weights may have a licence."""
        return not self.licences or licence.casefold() in {name.casefold() for name in self.licences}

    def refuses(self, licence: str, seconds: float) -> str:
        """Why a model is passed over, as a clause; "" where it is not."""
        if not self.allows(licence):
            return f"its licence is {licence}"
        if self.latency is not None and seconds > self.latency:
            return f"one input takes {1000 * seconds:.3g} ms here"
        return ""


def rank(
    config: Config,
    offers: Sequence[Offer],
    machine: MachineFacts,
    *,
    wanted: Wanted,
    count: int = SAMPLE,
    notify: Notify,
) -> tuple[Candidate, ...]:
    """Models with what is to be expected of them, the best first.

    Each gives features of the same training examples, drawn from what a fit would train on: validation
    and test examples are not looked at. A linear probe is scored on those it was not fitted on.

    Args:
        config: names the data.
        offers: models to try; one that cannot be loaded, or does not suit, is passed over with a notice.
        machine: that computes.
        wanted: what they must be like.
        count: of examples, at most.
        notify: told of the progress, and of what is passed over.

    Raises:
        DataError: the data cannot be learned from.
        RequestError: the task has no probe, or no model is left.
    """
    sample = _sample(config, count, notify)
    found = []
    for offer in offers:
        try:
            found.append(_tried(offer, sample, config, machine, wanted=wanted, notify=notify))
        except HeadstartError as error:
            notify(Notice(0, "passed over", f"{offer.name} is passed over: {error.cause}"))
    if not found:
        raise RequestError("No model is left to rank.", "Ask for less, or name others with --model.")
    return ranked(found)


@dataclass(frozen=True)
class _Sample:
    """Examples that every model is tried on, with their task and targets."""

    task: Task
    examples: tuple[Example, ...]
    scans: Mapping[str, Scan]
    groups: Mapping[str, str]

    @property
    def keys(self) -> list[str]:
        """The group of each example."""
        return [self.groups.get(example.id, example.id) for example in self.examples]


def _sample(config: Config, count: int, notify: Notify) -> _Sample:
    """Training examples, at most so many."""
    kind = task_class(config)
    if not kind.probed:
        raise RequestError(
            f"Models are ranked by a linear probe, which {kind.name} has not.",
            "Name a model with `headstart fit --model`; `headstart models` lists what there is.",
        )
    inspected = inspect(config, notify=notify)
    refuse_unusable(inspected)
    dataset = usable(inspected.dataset, inspected.scans)
    groups = find_duplicates(dataset.examples, inspected.scans).groups
    train = split(dataset, groups, config.data, seed=config.seed).train
    examples = tuple(drawn(select(dataset.examples, train), count, seed=config.seed))
    task = kind.from_examples(examples, task_options(config))
    return _Sample(task, examples, inspected.scans, groups)


def _tried(
    offer: Offer,
    sample: _Sample,
    config: Config,
    machine: MachineFacts,
    *,
    wanted: Wanted,
    notify: Notify,
) -> Candidate:
    """One model on the sample.

    Raises:
        HeadstartError: it cannot be loaded, or is not wanted.
    """
    backbone = load_backbone(
        offer.name,
        task=sample.task.name,
        family=modality_class(sample.task).family,
        image_size=config.model.image_size,
    )
    cache, why = cache_of(config)
    alone = latency(backbone, machine.device, cache)
    if problem := wanted.refuses(backbone.licence, alone):
        raise RequestError(f"{problem}.")
    began = time.monotonic()
    features = _features(sample, backbone, config, machine, cache=cache, why=why, notify=notify)
    seconds = time.monotonic() - began
    linear = sample.task.linear_targets([sample.task.encode(example) for example in sample.examples])
    if linear is None:
        raise RequestError(f"{sample.task.name} has no probe here.")
    logits = held_out_logits(
        features,
        linear.values,
        groups=sample.keys,
        exclusive=linear.exclusive,
        seed=config.seed,
        intercept=backbone.head_bias,
    )
    scores = scores_of(sample.task, sample.task.read_head(logits), sample.examples, sample.groups)
    rows = np.asarray(features[slice(None)], dtype=np.float32)
    return Candidate(
        name=offer.name,
        licence=backbone.licence,
        parameters=backbone.parameters,
        latency=alone,
        seconds=seconds,
        prior=offer.prior,
        probe=scores.metrics[sample.task.watched],
        log_me=log_me(rows, linear.values),
        neighbours=_neighbours(rows, sample),
    )


def _features(
    sample: _Sample,
    backbone: Backbone,
    config: Config,
    machine: MachineFacts,
    *,
    cache: Cache | None,
    why: str,
    notify: Notify,
) -> Rows:
    """(N, D) of the sample, on the engine that is done soonest; kept for a fit that follows."""
    supply = Supply(
        task=sample.task,
        backbone=backbone,
        modality=modality_class(sample.task),
        scans=sample.scans,
        inputs=None,
        compact=None,
        cache=cache,
        why=why,
        machine=machine,
        seed=config.seed,
    )
    layers = Layers.before(None, plain_network(sample.task, backbone, Head(), config.seed), backbone)
    choice = supply.engine(layers, sample.examples, count=len(sample.examples), only=config.features.engine)
    # The bar would name no model.
    notify(Notice(0, "trying", f"{backbone.name}, by {choice.name}"))
    return supply.activations(layers, choice, sample.examples, notify=notify).rows


def _neighbours(rows: np.ndarray, sample: _Sample) -> float | None:
    """Accuracy of the nearest neighbours; None where an example may have several labels."""
    targets = [example.target for example in sample.examples]
    if not all(isinstance(target, str) for target in targets):
        return None
    classes = np.unique(np.array(targets, dtype=object).astype(str), return_inverse=True)[1]
    return nearest_neighbours(rows, classes, sample.keys)


def with_model(config: Config, name: str) -> Config:
    """The request, for a model."""
    return with_settings(config, {"model.name": name})


def for_race(config: Config, name: str, seconds: float) -> Config:
    """The request, for one of several models; a run folder that is named is to hold a folder for each."""
    out = config.out and str(Path(config.out) / re.sub(r"[^\w.-]+", "-", name))
    return with_settings(config, {"model.name": name, "out": out, "time_limit": max(seconds, 1.0)})


def better(runs: Sequence[Run]) -> Run:
    """The one whose main metric is better on validation data; of equal ones the first."""
    metric = runs[0].result["metric"]
    sign = -1 if metric in resolve("task", runs[0].result["task"], TASKS).lower_is_better else 1
    return max(runs, key=lambda run: sign * run.val.metrics[metric].value)
