"""From a path to examples that can be learned from: read, check, features, groups, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.catalog import FORMS, MODALITIES, TASKS, resolve
from headstart.config.policies import resolve_augmentation
from headstart.config.schema import Augmentation, Config
from headstart.contracts import Backbone, Example, Head, Modality, Rows, Scan, Task
from headstart.data.check import check, check_division, check_duplicates, usable
from headstart.data.chunks import chunks
from headstart.data.dataset import Dataset, Finding, Splits, select
from headstart.data.duplicates import certain_groups, find_duplicates
from headstart.data.fingerprint import fingerprint
from headstart.data.forms.form import Form
from headstart.data.intake import estimate_bytes, take_in
from headstart.data.read import read
from headstart.data.recognise import recognise
from headstart.data.scanning import scan
from headstart.data.split import split
from headstart.errors import CacheError, DataError, DiskFull, RunError, a_few
from headstart.planning import storing
from headstart.planning.facts import MachineFacts
from headstart.planning.plan import Plan
from headstart.planning.storing import in_bytes
from headstart.steps.cuts import plain_network
from headstart.steps.layers import Layers
from headstart.steps.supply import Notify, Supply
from headstart.store.cache import Cache
from headstart.store.rows import SomeRows
from headstart.store.shelf import Shelf


@dataclass(frozen=True)
class Inspected:
    """Data that was read and decoded once.

    Attributes:
        inputs: shelf of the decoded inputs; None where not all of them are kept.
        compact: what tells the forms on that shelf from others; None where there is none.
        why: they are, or are not.
    """

    dataset: Dataset
    scans: Mapping[str, Scan]
    findings: tuple[Finding, ...]
    fingerprint: str
    inputs: Shelf | None = None
    compact: Mapping[str, Any] | None = None
    why: str = ""


@dataclass(frozen=True)
class Prepared:
    """Data that is ready to learn from.

    Attributes:
        features: (N, D) of `dataset.examples`, in their order; None where the task has no probe.
        groups: by id; members of one group are on one side of the split.
        why_inputs: are kept, or are not.
        supply: of batches and kept activations.
    """

    dataset: Dataset
    scans: Mapping[str, Scan]
    findings: tuple[Finding, ...]
    fingerprint: str
    features: Rows | None
    groups: Mapping[str, str]
    splits: Splits
    why_inputs: str
    supply: Supply

    def part(self, name: str) -> tuple[Example, ...]:
        """The examples of a split."""
        return select(self.dataset.examples, getattr(self.splits, name))

    def features_of(self, examples: Sequence[Example]) -> Rows:
        """Rows of `features`, which there must be, in the order of the examples."""
        if self.features is None:
            raise ValueError("a task without a probe has no features")
        place = {example.id: row for row, example in enumerate(self.dataset.examples)}
        return SomeRows(self.features, np.array([place[example.id] for example in examples]))

    def groups_of(self, examples: Sequence[Example]) -> list[str]:
        """The group of each example; one without is a group of its own."""
        return [self.groups.get(example.id, example.id) for example in examples]


def task_class(config: Config) -> Any:
    """The task's class: as asked, else what the data looks like."""
    images = resolve("modality", "image", MODALITIES).suffixes
    return resolve("task", config.task or recognise(Path(config.data.path), images), TASKS)


def modality_class(task: Any) -> Any:
    """The modality of a task."""
    return resolve("modality", task.modality, MODALITIES)


def task_options(config: Config) -> dict[str, Any]:
    """The task's own settings, as the user stated them."""
    stated = {
        "multi_label": config.data.multi_label,
        "loss": config.train.loss,
        "metric": config.train.metric,
    }
    return {name: value for name, value in stated.items() if value is not None}


def task_of(config: Config, prepared: Prepared, *, metric: str | None = None) -> Task:
    """The task that the training split states.

    Args:
        metric: the main one, where the plan has decided; None is what was asked for, or the usual one.

    Raises:
        DataError: targets that cannot be learned from.
    """
    options = task_options(config) | ({"metric": metric} if metric else {})
    task: Task = task_class(config).from_examples(prepared.part("train"), options)
    return task


def read_data(config: Config) -> Dataset:
    """The examples of the data that a request names.

    Raises:
        DataError: the data cannot be read; the message names the file, row or column.
    """
    return read(Path(config.data.path), config.data, form_of(task_class(config)))


def form_of(task: Any) -> Form:
    """How the examples of a task are written."""
    form: Form = resolve("form of data", task.form, FORMS)(modality_class(task).suffixes)
    return form


def inspect(
    config: Config,
    *,
    notify: Notify,
    backbone: Backbone | None = None,
    cache: Cache | None = None,
    why: str = "",
) -> Inspected:
    """Read the data, decode every input once, and say what was found.

    Args:
        config: names the data.
        notify: told of the progress.
        backbone: whose views are to be made from the decoded inputs.
        cache: where these are kept; None keeps none.
        why: there is no cache.

    Raises:
        DataError: nothing can be read there.
    """
    modality = modality_class(task_class(config))
    dataset = read_data(config)
    inputs = compact = None
    scans: Mapping[str, Scan]
    cuts: Mapping[str, str] = {}
    if backbone is None:
        scans = scan(dataset.examples, modality.scan, notify=notify)
    else:
        whole = modality(backbone.preprocessing, possible_augmentation(config, modality), config.seed)
        if cache is not None:
            inputs, why = _inputs_shelf(dataset, whole, cache)
        taken = take_in(dataset.examples, whole, inputs, notify=notify)
        scans, cuts = taken.scans, taken.cuts
        if taken.problem is not None:
            # Crops of the rest would be cut from the files, from other pixels than those of its neighbours.
            inputs, why = None, taken.problem.cause.rstrip(".")
        compact = None if inputs is None else whole.compact_state()
    findings = check(dataset, scans, config.data, modality, cuts)
    if not any(finding.level == "error" for finding in findings):
        good = usable(dataset, scans)
        groups = certain_groups(good.examples, scans)
        findings = (*check_division(good, groups, config.data, seed=config.seed), *findings)
    return Inspected(dataset, scans, findings, fingerprint(dataset, scans), inputs, compact, why)


def _inputs_shelf(dataset: Dataset, modality: Modality, cache: Cache) -> tuple[Shelf | None, str]:
    """Where decoded inputs are kept, and why they are or are not."""
    try:
        shelf = cache.shelf({"kind": "inputs", "modality": modality.name, **modality.compact_state()})
    except (CacheError, DiskFull) as error:
        return None, error.cause.rstrip(".")
    size = estimate_bytes(dataset.examples, modality, shelf)
    if not cache.make_room(size):
        return None, f"{in_bytes(size)} would not fit in the cache of {in_bytes(cache.limit)}"
    return shelf, f"each is decoded and scaled once, {in_bytes(size)}" if size else "they were kept before"


def findings_without_features(inspected: Inspected) -> tuple[Finding, ...]:
    """All that can be found without a model: near duplicates by their perceptual hash alone."""
    dataset = usable(inspected.dataset, inspected.scans)
    duplicates = find_duplicates(dataset.examples, inspected.scans)
    return (*inspected.findings, *check_duplicates(dataset, duplicates))


def refuse_unusable(inspected: Inspected) -> None:
    """Stop where nothing sensible can be trained.

    Raises:
        DataError: with all that stands in the way.
    """
    problems = [finding.text for finding in inspected.findings if finding.level == "error"]
    if problems:
        raise DataError.listed(inspected.dataset.name, problems, "`headstart check` on it lists the files.")


def prepare(
    inspected: Inspected,
    backbone: Backbone,
    config: Config,
    *,
    cache: Cache | None,
    machine: MachineFacts,
    begun: Plan | None,
    notify: Notify,
) -> Prepared:
    """Features of every readable example where there is to be a probe, then groups, then the split.

    Args:
        inspected: the data.
        backbone: that gives the features.
        config: the request.
        cache: where features are kept; None keeps none.
        machine: that computes.
        begun: the plan of a run that is resumed, which says what runs the backbone.
        notify: told of the progress.
    """
    dataset = usable(inspected.dataset, inspected.scans)
    task = task_class(config).from_examples(dataset.examples, task_options(config))
    supply = Supply(
        task=task,
        backbone=backbone,
        modality=modality_class(task),
        scans=inspected.scans,
        inputs=inspected.inputs,
        compact=inspected.compact,
        cache=cache,
        why=inspected.why,
        machine=machine,
        seed=config.seed,
    )
    features = None
    if task.probed:
        features = _features(supply, dataset, config, begun=begun, notify=notify)
        _refuse_non_finite(features, dataset, backbone)
    duplicates = find_duplicates(
        dataset.examples, inspected.scans, features, near=config.data.near_duplicates
    )
    return Prepared(
        dataset=dataset,
        scans=inspected.scans,
        findings=(*inspected.findings, *check_duplicates(dataset, duplicates)),
        fingerprint=inspected.fingerprint,
        features=features,
        groups=duplicates.groups,
        splits=split(dataset, duplicates.groups, config.data, seed=config.seed),
        why_inputs=inspected.why,
        supply=supply,
    )


def _features(
    supply: Supply, dataset: Dataset, config: Config, *, begun: Plan | None, notify: Notify
) -> Rows:
    """What the whole backbone gives for every example, on the engine that is done soonest."""
    network = plain_network(supply.task, supply.backbone, Head(), config.seed)
    layers = Layers.before(None, network, supply.backbone)
    if begun is None:
        views = 1 if possible_augmentation(config, supply.modality) is None else storing.VIEWS
        count, asked = len(dataset.examples) * views, config.features.engine
        choice = supply.engine(layers, dataset.examples, count=count, only=asked)
    else:
        choice = supply.planned_engine(layers, dataset.examples, begun, notify=notify)
    return supply.activations(layers, choice, dataset.examples, notify=notify).rows


def possible_augmentation(config: Config, modality: type[Modality]) -> Augmentation | None:
    """The most that training inputs can vary by, as the request tells it; None where nothing does."""
    if config.technique.name == "linear-probe" or not modality.varies:
        return None
    augmentation = resolve_augmentation(config.augment.policy or "medium", config.augment)
    return augmentation if augmentation.varies else None


def _refuse_non_finite(features: Rows, dataset: Dataset, backbone: Backbone) -> None:
    """Stop where no loss could be finite.

    Raises:
        RunError: names the examples.
    """
    finite = np.concatenate([np.isfinite(chunk).all(axis=1) for chunk in chunks(features)])
    rows = np.flatnonzero(~finite)
    if len(rows):
        names = [dataset.examples[row].id for row in rows]
        raise RunError(
            f"{backbone.name} gives values that are not finite, for {len(rows)} of {len(features)} examples: "
            f"{a_few(names)}.",
            "Look at these examples; where it is most of them, the weights are damaged.",
        )
