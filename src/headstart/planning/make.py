"""All rules asked once, and their decisions put together as a `Plan`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Literal, TypeVar

from headstart.config.load import bind_options
from headstart.config.schema import Config
from headstart.contracts import Budget, Objective, Technique
from headstart.errors import ConfigError
from headstart.planning import rules, storing
from headstart.planning.facts import CutFacts, Facts
from headstart.planning.freezing import frozen
from headstart.planning.plan import Decision, OptimiserPlan, Plan

T = TypeVar("T")


class _Reasons(dict[str, str]):
    """Why, by the dotted name of the plan's attribute, in the order of deciding."""

    def take(self, name: str, decision: Decision[T]) -> T:
        """The decision's value; its reason is noted."""
        self[name] = decision.reason
        return decision.value


def make_plan(
    config: Config,
    facts: Facts,
    *,
    task: str,
    metric: str,
    technique: type[Technique],
    class_weights: Sequence[float],
    measure: Callable[[Sequence[str]], Mapping[str, CutFacts]],
    has_probe: bool = True,
    head: Literal["solution", "random", "none"] = "solution",
) -> Plan:
    """Every decision before training, with its reason.

    Args:
        task: its name in the catalogue.
        metric: the task's usual one.
        technique: the class under the name that `rules.technique` gives.
        class_weights: what makes every class count alike, should the plan want that.
        measure: what can be known of the layers before some boundaries, or before the head.
        has_probe: whether the task has a linear probe.
        head: what the head begins as; see `Budget`.

    Raises:
        ConfigError: an option or boundary that is not there, or nothing that would train the head.
    """
    reasons = _Reasons()
    take = reasons.take
    task, model = take("task", rules.task(config, task)), take("model", rules.model(config, facts))
    metric = take("metric", rules.metric(config, facts, metric))
    name = take("technique", rules.technique(config, facts, has_probe=has_probe))
    options = bind_options(technique, config.technique.options)
    batch_size = take("batch_size", rules.batch_size(config, facts, pairs=technique.pairs))
    accumulate = take("accumulate", rules.usual(config, "accumulate"))
    budget = Budget(
        epochs=config.train.epochs,
        steps_per_epoch=math.ceil(facts.data.train / (batch_size * accumulate)),
        lr=config.train.lr,
        patience=rules.patience(config),
        l2_sp=config.train.l2_sp,
        frozen=take("frozen", frozen(config, facts.model)),
        modality=facts.model.modality,
        head=head,
    )
    phases = technique(options).phases(budget, facts.model.boundaries)
    augment = take("augment", rules.augment(config, facts))
    cuts = measure(storing.cuts_of(phases, facts.model.boundaries, has_probe=has_probe))
    views = take("views", storing.views(config, augment))
    stored = take(
        "stored", storing.stored(config, phases, cuts, facts=facts, views=views, has_probe=has_probe)
    )
    return Plan(
        task=task,
        model=model,
        technique=name,
        technique_options=take("technique_options", rules.technique_options(config, asdict(options))),
        phases=take("phases", rules.phases(config, phases, budget, has_probe=has_probe)),
        frozen=budget.frozen,
        head=take("head", rules.head(config, phases, begins=head)),
        objective=_objective(config, facts, class_weights, reasons),
        optimiser=_optimiser(config, reasons),
        augment=augment,
        image_size=take("image_size", rules.image_size(config, facts)),
        max_length=take("max_length", rules.max_length(facts)),
        batch_size=batch_size,
        micro_batch=take("micro_batch", rules.micro_batch(batch_size)),
        token_budget=take("token_budget", rules.token_budget(config, facts)),
        accumulate=accumulate,
        evaluation_batch_size=take("evaluation_batch_size", rules.evaluation_batch_size(facts.machine)),
        precision=take("precision", rules.precision(config, facts)),
        batch_norm=take("batch_norm", rules.batch_norm(config)),
        channels_last=take("channels_last", rules.channels_last(facts)),
        keep_probe=take("keep_probe", rules.of_probe(config, "keep_probe", has_probe=has_probe)),
        interpolate=take("interpolate", rules.of_probe(config, "interpolate", has_probe=has_probe)),
        refit=take("refit", rules.of_probe(config, "refit", has_probe=has_probe)),
        folds=take("folds", rules.folds(config, facts, wanted=technique.cross_validated and has_probe)),
        metric=metric,
        device=take("device", rules.device(config, facts)),
        seed=take("seed", rules.seed(config)),
        decode_once=take("decode_once", Decision(facts.data.kept, facts.data.why_kept)),
        engines=take("engines", storing.engines(config, cuts, stored, has_probe=has_probe)),
        stored=stored,
        views=views,
        reasons=reasons,
    )


def _objective(config: Config, facts: Facts, class_weights: Sequence[float], reasons: _Reasons) -> Objective:
    weighing = reasons.take("objective.class_weights", rules.class_weights(config, facts))
    if weighing == "balanced" and not class_weights:
        raise ConfigError(
            "train.class_weights: this task has no classes that could be weighed.", "Leave it out."
        )
    return Objective(
        label_smoothing=reasons.take("objective.label_smoothing", rules.usual(config, "label_smoothing")),
        mixup=reasons.take("objective.mixup", rules.usual(config, "mixup")),
        class_weights=tuple(class_weights) if weighing == "balanced" else (),
    )


def _optimiser(config: Config, reasons: _Reasons) -> OptimiserPlan:
    def usual(name: str) -> float:
        value: float = reasons.take(f"optimiser.{name}", rules.usual(config, name))
        return value

    return OptimiserPlan(
        name=reasons.take("optimiser.name", rules.optimiser(config)),
        weight_decay=reasons.take("optimiser.weight_decay", rules.weight_decay(config)),
        momentum=usual("momentum"),
        clip=usual("clip"),
        schedule=reasons.take("optimiser.schedule", rules.schedule(config)),
        warmup=usual("warmup"),
        ema=usual("ema"),
    )
