"""From a path to examples that can be learned from: read, check, features, groups, split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.catalog import MODALITIES, TASKS, resolve
from headstart.config.schema import Config
from headstart.contracts import Backbone, Event, Example, Scan, Task
from headstart.data.batches import EvaluationBatches
from headstart.data.check import check, check_division, check_duplicates, usable
from headstart.data.dataset import Dataset, Finding, Splits, select
from headstart.data.duplicates import certain_groups, find_duplicates
from headstart.data.fingerprint import fingerprint
from headstart.data.read import read
from headstart.data.scanning import scan
from headstart.data.split import split
from headstart.errors import DataError, RunError, a_few
from headstart.features.extract import extract
from headstart.planning.facts import MachineFacts
from headstart.planning.rules import evaluation_batch_size
from headstart.training.device import fixed_batches

Notify = Callable[[Event], None]


@dataclass(frozen=True)
class Inspected:
    """Data that was read and decoded once."""

    dataset: Dataset
    scans: Mapping[str, Scan]
    findings: tuple[Finding, ...]
    fingerprint: str


@dataclass(frozen=True)
class Prepared:
    """Data that is ready to learn from.

    Attributes:
        features: (N, D) of `dataset.examples`, in their order.
        groups: by id; members of one group are on one side of the split.
    """

    dataset: Dataset
    scans: Mapping[str, Scan]
    findings: tuple[Finding, ...]
    fingerprint: str
    features: NDArray[np.float32]
    groups: Mapping[str, str]
    splits: Splits

    def part(self, name: str) -> tuple[Example, ...]:
        """The examples of a split."""
        return select(self.dataset.examples, getattr(self.splits, name))

    def features_of(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Rows of `features`, in the order of the examples."""
        place = {example.id: row for row, example in enumerate(self.dataset.examples)}
        return self.features[[place[example.id] for example in examples]]

    def groups_of(self, examples: Sequence[Example]) -> list[str]:
        """The group of each example; one without is a group of its own."""
        return [self.groups.get(example.id, example.id) for example in examples]


def task_class(config: Config) -> Any:
    """The task's class: as asked, else what the data looks like."""
    return resolve("task", config.task or "image-classification", TASKS)


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
    return read(Path(config.data.path), config.data, modality_class(task_class(config)).suffixes)


def inspect(config: Config, *, notify: Notify) -> Inspected:
    """Read the data, decode every input once, and say what was found.

    Raises:
        DataError: nothing can be read there.
    """
    modality = modality_class(task_class(config))
    dataset = read_data(config)
    scans = scan(dataset.examples, modality.scan, notify=notify)
    findings = check(dataset, scans, config.data)
    if not any(finding.level == "error" for finding in findings):
        good = usable(dataset, scans)
        groups = certain_groups(good.examples, scans)
        findings = (*check_division(good, groups, config.data, seed=config.seed), *findings)
    return Inspected(dataset, scans, findings, fingerprint(dataset, scans))


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
        raise DataError.listed(
            str(inspected.dataset.root), problems, "`headstart check` on it lists the files."
        )


def prepare(
    inspected: Inspected, backbone: Backbone, config: Config, *, machine: MachineFacts, notify: Notify
) -> Prepared:
    """Features of every readable example, then groups, then the split."""
    dataset = usable(inspected.dataset, inspected.scans)
    task = task_class(config).from_examples(dataset.examples, task_options(config))
    batch_size = evaluation_batch_size(machine).value
    batches = EvaluationBatches(
        [replace(example, target=None) for example in dataset.examples],
        modality_class(task)(backbone.preprocessing, None, config.seed).view,
        task.collate,
        batch_size=batch_size,
        threads=machine.cores,
    )
    with fixed_batches("features", size=batch_size, device=machine.device):
        features = extract(
            backbone, batches, total=len(dataset.examples), device=machine.device, notify=notify
        )
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
    )


def _refuse_non_finite(features: NDArray[np.float32], dataset: Dataset, backbone: Backbone) -> None:
    """Stop where no loss could be finite.

    Raises:
        RunError: names the examples.
    """
    rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(rows):
        names = [dataset.examples[row].id for row in rows]
        raise RunError(
            f"{backbone.name} gives values that are not finite, for {len(rows)} of {len(features)} examples: "
            f"{a_few(names)}.",
            "Look at these examples; where it is most of them, the weights are damaged.",
        )
