"""From a request and what is known of data, model and machine to the plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any, Literal

import numpy as np

from headstart.catalog import TECHNIQUES, resolve
from headstart.config.load import bind_options
from headstart.config.schema import Config
from headstart.contracts import HEAD, Backbone, Scan, Task
from headstart.data.labels import count_labels
from headstart.errors import ConfigError
from headstart.planning import rules, storing
from headstart.planning.facts import CutFacts, DataFacts, Facts, MachineFacts, ModelFacts
from headstart.planning.freezing import frozen
from headstart.planning.make import make_plan
from headstart.planning.mirror import mirror_sensitive
from headstart.planning.plan import Plan
from headstart.steps.cuts import measure
from headstart.steps.foresee import step_fits
from headstart.steps.job import Job
from headstart.steps.prepare import Prepared, task_class
from headstart.steps.speed import hastened


def data_facts(prepared: Prepared, task: Task) -> DataFacts:
    """What the rules may know of the data."""
    train = prepared.part("train")
    counts = count_labels(train) if prepared.dataset.classed else {}
    scans = [prepared.scans[example.id] for example in prepared.dataset.examples]
    images = prepared.supply.modality.family == "image"
    return DataFacts(
        train=len(train),
        others=len(prepared.part("val")) + len(prepared.part("test")),
        val=len(prepared.part("val")),
        smallest=min(counts.values(), default=0),
        largest=max(counts.values(), default=0),
        median_side=round(median(min(scan.size) for scan in scans)) if images else 0,
        grey=_share_grey(scans),
        mirror_sensitive=mirror_sensitive(task.labels),
        kept=prepared.supply.inputs is not None,
        why_kept=prepared.why_inputs,
    )


def model_facts(backbone: Backbone) -> ModelFacts:
    """What the rules may know of the backbone."""
    expected = backbone.preprocessing
    return ModelFacts(
        name=backbone.name,
        boundaries=tuple(boundary.name for boundary in backbone.boundaries),
        image_size=max(expected.size) if backbone.modality == "image" else None,
        max_length=expected.max_length if backbone.modality == "text" else None,
        modality=backbone.modality,
    )


def refuse_unknown_names(config: Config) -> None:
    """Check what needs neither data nor model: the names of task and technique, and the latter's options.

    Raises:
        RequestError: a name or option that is not there.
    """
    task_class(config)
    bind_options(
        resolve("technique", config.technique.name or rules.AUTO, TECHNIQUES), config.technique.options
    )


def refuse_unknown_boundaries(config: Config, backbone: Backbone) -> None:
    """Check the boundaries that are to stay frozen, as soon as there is a model.

    Raises:
        ConfigError: the model has not so many, or none of that name.
    """
    frozen(config, model_facts(backbone))


def decide(
    config: Config,
    prepared: Prepared,
    task: Task,
    backbone: Backbone,
    machine: MachineFacts,
    *,
    spent: float = 0.0,
) -> Plan:
    """Every decision before training, with its reason.

    Where the time limit leaves no time for a step, nothing is measured that only training would use.

    Args:
        config: the request.
        prepared: the data.
        task: with its labels.
        backbone: of the network.
        machine: that computes.
        spent: seconds since the request.

    Raises:
        ConfigError: a name, option or metric that does not go with the data or the model.
    """
    train, val = ([task.encode(example) for example in prepared.part(name)] for name in ("train", "val"))
    cache = prepared.supply.cache
    machine = replace(machine, room=cache.room() if cache else 0)
    facts = Facts(data_facts(prepared, task), model_facts(backbone), machine)

    known: dict[str, CutFacts] = {}

    def measured(names: Collection[str]) -> Mapping[str, CutFacts]:
        found = measure(
            prepared.supply,
            [name for name in names if name not in known],
            prepared.dataset.examples,
            count=facts.data.others + facts.data.train * storing.VIEWS,
            batch_norm=rules.batch_norm(config).value,
            engine=config.features.engine,
            head=config.model.head,
        )
        known.update(found)
        return known

    def untried(names: Collection[str]) -> Mapping[str, CutFacts]:
        unknown = dict.fromkeys(names, CutFacts(problem="there is no time to try it"))
        # There, the engine was chosen for the probe's features.
        return {**unknown, **measured([HEAD])} if task.probed else unknown

    technique = rules.technique(config, facts, has_probe=task.probed)
    make = partial(
        make_plan,
        config,
        facts,
        task=task.name,
        metric=task.metric,
        technique=resolve("technique", technique.value, TECHNIQUES),
        class_weights=task.class_weights(prepared.part("train")),
        has_probe=task.probed,
        head=_beginning(task, backbone),
    )
    if config.time_limit is not None:
        plan = make(measure=untried)
        _refuse_undefined(plan.metric, task, train, val)
        job = Job(prepared, task, backbone, plan, None)
        if plan.phases and not step_fits(job, config.time_limit - spent):
            return replace(plan, in_time=False)
    plan = make(measure=measured)
    _refuse_undefined(plan.metric, task, train, val)
    return hastened(config, plan, prepared, task, backbone)


def _beginning(task: Task, backbone: Backbone) -> Literal["solution", "random", "none"]:
    """What a head begins as."""
    if not backbone.new_head:
        return "none"
    return "solution" if task.probed or backbone.last_layer is not None else "random"


def _refuse_undefined(metric: str, task: Task, train: Sequence[Any], val: Sequence[Any]) -> None:
    """Stop where the main metric could not tell good weights from bad ones."""
    blind = task.baseline(train, len(val))
    if blind is None:
        return
    scorer = task.scorers(blind, val)[metric]
    if np.isnan(scorer(np.ones((1, len(val))))).any():
        raise ConfigError(
            f"train.metric: '{metric}' is not defined on the {len(val)} validation examples, so it cannot "
            "choose the best weights.",
            "Put examples of more labels into validation data, or choose another metric.",
        )


def _share_grey(scans: Sequence[Scan]) -> float:
    return sum(scan.grey for scan in scans) / len(scans)
