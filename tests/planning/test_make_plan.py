"""The plan as a whole: complete, reasoned, and plain data where it is written down."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from headstart.catalog import TECHNIQUES, resolve
from headstart.config.load import load
from headstart.errors import ConfigError
from headstart.planning.facts import CutFacts, DataFacts, Facts, MachineFacts, ModelFacts
from headstart.planning.lines import OF_IMAGES, plan_from, plan_lines, plan_state
from headstart.planning.make import make_plan
from headstart.planning.plan import Plan

FACTS = Facts(
    DataFacts(100, 40, 20, 50, 50, 28, 1.0, ("6", "9")),
    ModelFacts("builtin:sample", tuple(f"block{index}" for index in range(6)), 224),
    MachineFacts("cpu", 2, False),
)


TEXTS = dataclasses.replace(
    FACTS,
    data=dataclasses.replace(FACTS.data, median_side=0, mirror_sensitive=()),
    model=ModelFacts("builtin:sample", FACTS.model.boundaries, max_length=256),
)


def planned(*, facts: Facts = FACTS, has_probe: bool = True, **overrides: Any) -> Plan:
    config = load(None, {key.replace("__", "."): value for key, value in overrides.items()})
    technique = resolve("technique", config.technique.name or "auto", TECHNIQUES)
    return make_plan(
        config,
        facts,
        task="image-classification",
        metric="accuracy",
        technique=technique,
        class_weights=(0.5, 1.5),
        measure=lambda names: dict.fromkeys(names, CutFacts(bytes=2560, seconds=0.01)),
        has_probe=has_probe,
    )


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_decision_has_its_reason(name: str) -> None:
    plan = planned(technique__name=name)
    decided = {reason.partition(".")[0] for reason in plan.reasons}
    assert decided == {field.name for field in dataclasses.fields(plan)} - {"in_time", "reasons"}
    assert all(plan.reasons.values())


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_plan_is_plain_data_and_lines_of_text(name: str) -> None:
    plan = planned(technique__name=name, model__freeze=2)
    decisions = json.loads(json.dumps(plan_state(plan)))["decisions"]
    assert {key: decision["reason"] for key, decision in decisions.items()} == plan.reasons
    assert decisions["frozen"]["value"] == ["block0", "block1"]
    assert {line[0] for line in plan_lines(plan)} <= decisions.keys()
    assert all(isinstance(part, str) and part for line in plan_lines(plan) for part in line)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_plan_comes_back_from_its_file_as_it_was(name: str) -> None:
    plan = planned(technique__name=name, train__class_weights="balanced", model__freeze=2)
    read = plan_from(json.loads(json.dumps(plan_state(plan))))
    assert dataclasses.replace(read, technique_options=plan.technique_options) == plan


def test_lines_show_values_as_people_write_them() -> None:
    shown = {
        name: value
        for name, value, _ in plan_lines(planned(technique__options={"last": 1}, technique__name="two-phase"))
    }
    assert shown["phases"] == (
        "head (10 epochs, head at 0.001), fine-tune (20 epochs, head and 1 boundary at 1e-05)"
    )
    assert shown["head"] == "linear"
    assert shown["keep_probe"] == "yes"
    assert shown["frozen"] == "none"


def test_the_epochs_that_were_asked_for_are_those_of_the_phases() -> None:
    assert sum(phase.epochs for phase in planned(train__epochs=7).phases) == 7


@pytest.mark.parametrize("name", sorted(TECHNIQUES.keys() - {"linear-probe"}))
@pytest.mark.parametrize("text", [False, True])
def test_the_rate_of_a_plan_is_the_one_that_lr_sets(name: str, text: bool) -> None:
    model = dataclasses.replace(FACTS.model, modality="text" if text else "image")
    facts = dataclasses.replace(TEXTS if text else FACTS, model=model)
    assert planned(facts=facts, technique__name=name, train__lr=3e-5).lr == 3e-5


def test_the_rate_of_a_plan_without_phases_is_none_and_not_that_of_a_head_which_lr_does_not_set() -> None:
    assert planned(technique__name="linear-probe").lr is None
    assert planned(technique__name="contrastive").lr == 2e-5


def test_accumulating_makes_steps_fewer_and_epochs_more() -> None:
    def epochs(**overrides: Any) -> int:
        return sum(phase.epochs for phase in planned(train__batch_size=1, **overrides).phases)

    assert epochs(train__accumulate=4) > epochs()


def test_class_weights_are_used_only_where_balance_is_asked_for() -> None:
    assert planned().objective.class_weights == ()
    assert planned(train__class_weights="balanced").objective.class_weights == (0.5, 1.5)


def test_a_wrong_option_of_the_technique_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"technique\.options\.lats: unknown key\. Did you mean 'last'"):
        planned(technique__name="two-phase", technique__options={"lats": 3})


def test_a_plan_that_would_train_nothing_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"technique\.name: this task has no linear probe"):
        planned(technique__name="linear-probe", has_probe=False)
    assert planned(technique__name="two-phase", has_probe=False).phases


def test_settings_of_training_are_shown_only_where_something_is_trained() -> None:
    def names(technique: str) -> set[str]:
        return {name for name, _, _ in plan_lines(planned(technique__name=technique))}

    assert "optimiser.name" in names("full")
    assert names("full") == planned(technique__name="full").reasons.keys() - {"max_length", "token_budget"}
    assert names("linear-probe") < names("full")
    assert "optimiser.name" not in names("linear-probe")


def test_what_other_inputs_do_not_have_is_in_the_plan_but_not_shown() -> None:
    for facts, has, lacks in ((FACTS, "image_size", "max_length"), (TEXTS, "max_length", "image_size")):
        plan = planned(facts=facts)
        shown = {name for name, _, _ in plan_lines(plan)}
        assert has in shown and getattr(plan, has)
        assert lacks not in shown and getattr(plan, lacks) is None
        assert plan.reasons[lacks]
        assert shown.isdisjoint(OF_IMAGES) is (lacks == "image_size")


def test_a_plan_for_texts_comes_back_from_its_file_as_it_was() -> None:
    plan = planned(facts=TEXTS)
    assert plan_from(json.loads(json.dumps(plan_state(plan)))) == plan
