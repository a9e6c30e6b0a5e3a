"""The rules, as laws: what was asked for is taken, what was left open has a reason."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from headstart.config.load import load
from headstart.config.policies import POLICIES
from headstart.config.schema import Config
from headstart.contracts import Head
from headstart.errors import ConfigError
from headstart.planning import rules
from headstart.planning.facts import DataFacts, Facts, MachineFacts, ModelFacts
from headstart.planning.freezing import frozen

BOUNDARIES = ("stem", "layer1.0", "layer1.1", "layer2.0", "layer10.0")
FACTS = Facts(
    DataFacts(
        train=1000,
        others=300,
        val=150,
        smallest=200,
        largest=300,
        median_side=400,
        grey=0.0,
        mirror_sensitive=(),
    ),
    ModelFacts("builtin:sample", BOUNDARIES, 224),
    MachineFacts("cpu", 2, False),
)

TEXT_FACTS = replace(FACTS, model=ModelFacts("builtin:words", ("embeddings",), None, 256, "text"))


def facts(*, machine: MachineFacts = FACTS.machine, **data: Any) -> Facts:
    return replace(FACTS, data=replace(FACTS.data, **data), machine=machine)


def config(*settings: str) -> Config:
    return load(None, settings)


@pytest.mark.parametrize(
    ("setting", "rule", "value"),
    [
        ("technique.name=full", lambda asked: rules.technique(asked, FACTS), "full"),
        ("model.image_size=64", lambda asked: rules.image_size(asked, FACTS), 64),
        ("train.batch_size=7", lambda asked: rules.batch_size(asked, FACTS), 7),
        ("train.token_budget=512", lambda asked: rules.token_budget(asked, TEXT_FACTS), 512),
        ("train.precision=bf16", lambda asked: rules.precision(asked, FACTS), "bf16"),
        ("train.optimiser=sgd", lambda asked: rules.optimiser(asked), "sgd"),
        ("train.weight_decay=0.0", lambda asked: rules.weight_decay(asked), 0.0),
        ("train.schedule=plateau", lambda asked: rules.schedule(asked), "plateau"),
        ("train.class_weights=balanced", lambda asked: rules.class_weights(asked, FACTS), "balanced"),
        ("train.batch_norm=train", lambda asked: rules.batch_norm(asked), "train"),
        ("train.clip=3.0", lambda asked: rules.usual(asked, "clip"), 3.0),
        ("model.head.dropout=0.5", lambda asked: rules.head(asked, (), begins="solution"), Head(dropout=0.5)),
    ],
)
def test_what_was_asked_for_is_taken(setting: str, rule: Any, value: object) -> None:
    decision = rule(config(setting))
    assert decision.value == value
    assert decision.reason == "asked for"


def test_only_tokens_have_a_budget_and_an_accelerator_has_room_for_more() -> None:
    assert rules.token_budget(config(), FACTS).value is None
    on_gpu = replace(TEXT_FACTS, machine=replace(TEXT_FACTS.machine, device="cuda"))
    assert [rules.token_budget(config(), some).value for some in (TEXT_FACTS, on_gpu)] == [4096, 16384]


@pytest.mark.parametrize("train", [1, 20, 50, 100, 319, 320, 10_000])
def test_a_batch_is_never_so_large_that_an_epoch_has_few_steps(train: int) -> None:
    size = rules.batch_size(config(), facts(train=train)).value
    assert 4 <= size <= 32
    assert size == 4 or train / size >= 10


def test_bf16_is_chosen_where_a_gpu_or_for_texts_a_processor_is_fast_at_it() -> None:
    for device, fast, images, texts in [
        ("cpu", True, "fp32", "bf16"),
        ("cpu", False, "fp32", "fp32"),
        ("cuda:1", True, "bf16", "bf16"),
        ("cuda", False, "fp32", "fp32"),
        ("mps", True, "fp32", "fp32"),
    ]:
        of_images = facts(machine=MachineFacts(device, 2, fast))
        of_texts = replace(of_images, model=replace(of_images.model, modality="text"))
        assert rules.precision(config(), of_images).value == images
        assert rules.precision(config(), of_texts).value == texts


def test_patience_can_be_turned_off() -> None:
    assert rules.patience(config("train.patience=0")) == 0
    assert rules.patience(config()) > 0


def test_uneven_classes_change_the_metric_and_no_weight() -> None:
    uneven = facts(smallest=10, largest=300)
    assert rules.metric(Config(), uneven, "accuracy").value == "macro_f1"
    assert "30 times" in rules.metric(Config(), uneven, "accuracy").reason
    assert rules.class_weights(config(), uneven).value == "none"
    assert "balanced" in rules.class_weights(config(), uneven).reason


@pytest.mark.parametrize(("largest", "told"), [(100, False), (101, True)])
def test_data_metric_and_weights_agree_on_what_is_uneven(largest: int, told: bool) -> None:
    some = facts(smallest=10, largest=largest)
    assert rules.uneven(10, largest) is told
    assert (rules.metric(Config(), some, "accuracy").value == "macro_f1") is told
    assert (rules.class_weights(config(), some).reason != "the classes are even enough") is told


def test_one_example_is_not_spoken_of_as_several() -> None:
    assert "1 validation example tells" in rules.folds(config(), facts(val=1), wanted=True).reason
    assert rules.batch_size(config(), facts(train=1)).reason.startswith("1 training example should")


def test_a_task_keeps_its_own_metric_where_classes_are_even_or_it_is_not_accuracy() -> None:
    assert rules.metric(Config(), FACTS, "accuracy").value == "accuracy"
    assert rules.metric(Config(), facts(smallest=1, largest=300), "macro_f1").value == "macro_f1"
    assert rules.metric(Config(), facts(smallest=0, largest=0), "accuracy").value == "accuracy"


def test_labels_that_a_mirror_would_change_are_not_flipped_and_the_plan_says_so() -> None:
    for policy in POLICIES:
        decision = rules.augment(config(f"augment.policy={policy}"), facts(mirror_sensitive=("6", "b")))
        assert decision.value.horizontal_flip == decision.value.vertical_flip == 0
        assert "'6', 'b'" in decision.reason


def test_a_piece_that_the_user_set_stays_whatever_the_labels() -> None:
    asked = config("augment.horizontal_flip=0.25", "augment.hue=0.1")
    found = rules.augment(asked, facts(mirror_sensitive=("6",), grey=1.0)).value
    assert (found.horizontal_flip, found.hue) == (0.25, 0.1)


def test_grey_images_change_no_colour() -> None:
    decision = rules.augment(config("augment.policy=strong"), facts(grey=1.0))
    assert decision.value.saturation == decision.value.hue == 0
    assert "grey" in decision.reason


def test_every_policy_that_a_rule_chooses_is_there() -> None:
    for side in (8, 28, 64, 4000):
        assert rules.augment(config(), facts(median_side=side)).value.policy in POLICIES


def test_hidden_layers_that_nothing_would_train_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.head\.hidden: a linear probe has no hidden layers"):
        rules.head(config("model.head.hidden=[32]"), (), begins="solution")


@pytest.mark.parametrize(
    ("freeze", "names"),
    [
        ("0", ()),
        ("2", BOUNDARIES[:2]),
        ("5", BOUNDARIES),
        ("-2", BOUNDARIES[:3]),
        ("0.0", ()),
        ("0.4", BOUNDARIES[:2]),
        ("1.0", BOUNDARIES),
        ("layer1", ("layer1.0", "layer1.1")),
        ('["layer2.0", "stem"]', ("stem", "layer2.0")),
    ],
)
def test_freezing_names_boundaries_stem_to_head(freeze: str, names: tuple[str, ...]) -> None:
    assert frozen(config(f"model.freeze={freeze}"), FACTS.model).value == names


def test_freezing_more_boundaries_than_there_are_is_refused() -> None:
    for count in (6, -6):
        with pytest.raises(ConfigError, match=rf"builtin:sample has 5 boundaries\. Got {count}\."):
            frozen(config(f"model.freeze={count}"), FACTS.model)


def test_every_unknown_boundary_is_listed_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        frozen(config('model.freeze=["stm", "layer2", "nothing"]'), FACTS.model)
    assert [line.strip() for line in str(caught.value).splitlines()] == [
        "model.freeze: 2 problems",
        "no boundary 'stm'. Did you mean 'stem'?",
        "no boundary 'nothing'.",
        f"There are: {', '.join(BOUNDARIES)}.",
    ]


def test_every_usual_setting_is_one_of_the_schema() -> None:
    fields = {field.name for field in dataclasses.fields(Config().train)}
    assert rules.USUAL.keys() <= fields


def test_a_metric_that_was_asked_for_stays_whatever_the_classes() -> None:
    asked = load(None, {"train.metric": "accuracy"})
    decision = rules.metric(asked, facts(smallest=10, largest=300), "accuracy")
    assert (decision.value, decision.reason) == ("accuracy", "asked for")


def test_signs_are_neither_flipped_nor_cropped() -> None:
    found = rules.augment(Config(), facts(mirror_sensitive=("6", "b"))).value
    assert (found.policy, found.horizontal_flip, found.crop) == ("light", 0, 1)


def test_a_task_without_a_probe_has_nothing_to_keep_or_to_refit() -> None:
    for name in ("keep_probe", "refit"):
        decision = rules.of_probe(config(), name, has_probe=False)
        assert (decision.value, decision.reason) == (False, "this task has no linear probe")
        assert rules.of_probe(config(), name, has_probe=True).value


def test_a_head_that_the_checkpoint_has_is_not_to_be_built_otherwise() -> None:
    assert "checkpoint's own" in rules.head(config(), (), begins="none").reason
    with pytest.raises(ConfigError, match="checkpoint's own"):
        rules.head(config("model.head.dropout=0.5"), (), begins="none")


def test_few_texts_a_label_are_learned_from_by_pairs() -> None:
    few = replace(TEXT_FACTS, data=replace(TEXT_FACTS.data, smallest=3, largest=17))
    assert rules.technique(config(), few).value == "contrastive"
    assert rules.technique(config("technique.name=auto"), few).value == "contrastive"
    assert rules.technique(config("technique.name=full"), few).value == "full"
    assert rules.technique(config(), few, has_probe=False).value == "auto"
    assert rules.technique(config(), TEXT_FACTS).value == "auto"
    assert rules.technique(config(), facts(largest=17)).value == "auto"


@pytest.mark.parametrize(
    ("val", "wanted", "asked", "count"),
    [(199, True, None, 5), (200, True, None, 1), (20, False, None, 1), (20, True, 1, 1), (500, False, 3, 3)],
)
def test_few_validation_examples_ask_for_folds(val: int, wanted: bool, asked: int | None, count: int) -> None:
    request = config() if asked is None else config(f"train.folds={asked}")
    assert rules.folds(request, facts(val=val), wanted=wanted).value == count
