"""From a request and what is known of data, model and machine to the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from headstart.catalog import TASKS, TECHNIQUES, resolve
from headstart.config.load import bind_options
from headstart.config.schema import Config
from headstart.contracts import Backbone, Example, Scan, Task
from headstart.planning import rules
from headstart.planning.facts import DataFacts, Facts, MachineFacts, ModelFacts
from headstart.planning.freezing import frozen
from headstart.planning.make import make_plan
from headstart.planning.mirror import mirror_sensitive
from headstart.planning.plan import Plan
from headstart.steps.prepare import Prepared


def data_facts(prepared: Prepared, task: Task) -> DataFacts:
    """Counts of the data as split."""
    train = prepared.part("train")
    counts = label_counts(train)
    scans = [prepared.scans[example.id] for example in prepared.dataset.examples]
    return DataFacts(
        train=len(train),
        val=len(prepared.splits.val),
        test=len(prepared.splits.test),
        classes=len(task.labels),
        smallest=min(counts.values()),
        largest=max(counts.values()),
        multi_label=any(not isinstance(example.target, str) for example in train),
        median_side=round(median(min(scan.size) for scan in scans)),
        grey=_share_grey(scans),
        mirror_sensitive=mirror_sensitive(task.labels),
    )


def model_facts(backbone: Backbone) -> ModelFacts:
    """The backbone, without its weights."""
    return ModelFacts(
        name=backbone.name,
        parameters=backbone.parameters,
        boundaries=tuple(boundary.name for boundary in backbone.boundaries),
        feature_size=backbone.feature_size,
        image_size=max(backbone.preprocessing.size),
        licence=backbone.licence,
    )


def refuse_unknown_names(config: Config) -> None:
    """Check what needs neither data nor model: the names of task and technique, and the latter's options.

    Raises:
        RequestError: a name or option that is not there.
    """
    resolve("task", config.task or "image-classification", TASKS)
    technique = resolve("technique", rules.technique(config).value, TECHNIQUES)
    bind_options(technique, config.technique.options)


def refuse_unknown_boundaries(config: Config, backbone: Backbone) -> None:
    """Check the boundaries that are to stay frozen, as soon as there is a model.

    Raises:
        ConfigError: the model has not so many, or none of that name.
    """
    frozen(config, model_facts(backbone))


def decide(config: Config, prepared: Prepared, task: Task, backbone: Backbone, machine: MachineFacts) -> Plan:
    """Every decision before training, with its reason.

    Raises:
        ConfigError: a name or option that does not go with the data or the model.
    """
    technique = resolve("technique", rules.technique(config).value, TECHNIQUES)
    has_probe = task.linear_targets([task.encode(prepared.part("train")[0])]) is not None
    return make_plan(
        config,
        Facts(data_facts(prepared, task), model_facts(backbone), machine, config.time_limit),
        task=task.name,
        metric=task.metric,
        technique=technique,
        class_weights=task.class_weights(prepared.part("train")),
        has_probe=has_probe,
    )


def label_counts(examples: Sequence[Example]) -> Counter[str]:
    """How many examples have each label."""
    return Counter(
        label
        for example in examples
        for label in ((example.target,) if isinstance(example.target, str) else example.target)
    )


def _share_grey(scans: Sequence[Scan]) -> float:
    return sum(scan.grey for scan in scans) / len(scans)
