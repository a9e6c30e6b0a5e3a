import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

from headstart.contracts import Backbone, Batch, Example, Head, Objective, View
from headstart.errors import ConfigError, DataError
from headstart.tasks.image_classification import ImageClassification

FEATURES = 5
PETS = ["cat", "dog", "cat", "owl", "cat", "dog"]
TAGS = [("sea", "sky"), ("sky",), (), ("sea",), ("hut", "sea", "sky"), ("sky",)]
KINDS = {
    "softmax": (PETS, {}),
    "sigmoid": (["no", "yes", "yes", "no", "yes", "no"], {"loss": "sigmoid"}),
    "multi-label": (TAGS, {}),
}


def examples_of(targets: list[Any]) -> list[Example]:
    return [
        Example(id=f"{row}.png", input=None, target=target, origin=f"table.csv:{row + 2}")
        for row, target in enumerate(targets)
    ]


def views_of(count: int) -> list[View]:
    generator = torch.Generator().manual_seed(3)
    return [View({"x": torch.randn(FEATURES, generator=generator)}) for _ in range(count)]


class Named(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


def backbone() -> Backbone:
    return Backbone(Named(FEATURES, FEATURES), (), FEATURES, None, "sample", {}, "", 0, "", "")


def ready(targets: list[Any], options: dict[str, Any]) -> tuple[ImageClassification, nn.Module, Batch]:
    torch.manual_seed(0)
    examples = examples_of(targets)
    task = ImageClassification.from_examples(examples, options)
    return task, task.build(backbone(), Head()), task.collate(examples, views_of(len(examples)))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[ImageClassification, nn.Module, Batch]:
    targets, options = KINDS[request.param]
    return ready(targets, options)


def test_labels_are_found_in_the_examples_and_sorted() -> None:
    assert ImageClassification.from_examples(examples_of(PETS), {}).labels == ("cat", "dog", "owl")
    assert ImageClassification.from_examples(examples_of(TAGS), {}).labels == ("hut", "sea", "sky")


def test_a_target_decodes_to_the_labels_it_was_encoded_from(kind: Any) -> None:
    task, _, _ = kind
    targets = next(targets for name, (targets, _) in KINDS.items() if name == task.kind.name)
    for example in examples_of(targets):
        prediction = task.decode(20 * (task.encode(example) - 0.5))
        assert (prediction.labels if task.multi_label else prediction.label) == example.target


def test_a_task_survives_its_state(kind: Any) -> None:
    task, _, batch = kind
    again = ImageClassification.from_state(json.loads(json.dumps(task.state())))
    assert again == task
    assert again.decode(batch.targets[0]) == task.decode(batch.targets[0])


def test_an_unknown_label_is_named_with_its_row_and_the_nearest_known_one() -> None:
    task = ImageClassification.from_examples(examples_of(PETS), {})
    with pytest.raises(DataError, match=r"table\.csv:9: unknown label 'dgo'\. Did you mean 'dog'\?"):
        task.encode(Example(id="9", input=None, target="dgo", origin="table.csv:9"))


def test_every_example_without_a_label_is_listed_at_once() -> None:
    with pytest.raises(DataError, match="2 problems") as raised:
        ImageClassification.from_examples(examples_of(["cat", None, "dog", ""]), {})
    assert "table.csv:3" in str(raised.value)
    assert "table.csv:5" in str(raised.value)


def test_several_labels_are_refused_where_one_is_expected() -> None:
    with pytest.raises(DataError, match=r"table\.csv:2: must have one label\. Got 2: sea, sky\."):
        ImageClassification.from_examples(examples_of(TAGS), {"multi_label": False})


def test_one_label_for_all_cannot_be_learned() -> None:
    with pytest.raises(DataError, match="All 3 training examples have the label 'cat'"):
        ImageClassification.from_examples(examples_of(["cat"] * 3), {})


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        (PETS, {"los": "sigmoid"}, "Did you mean 'loss'"),
        (PETS, {"loss": "hinge"}, "must be 'softmax' or 'sigmoid'"),
        (PETS, {"loss": "sigmoid"}, "there are 3"),
        (TAGS, {"loss": "softmax"}, "these have several"),
        (PETS, {"metric": "acuracy"}, "Did you mean 'accuracy'"),
        (TAGS, {"metric": "ece"}, "unknown metric"),
    ],
)
def test_an_option_that_cannot_be_is_refused(targets: Any, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ImageClassification.from_examples(examples_of(targets), options)


def test_the_main_metric_may_be_asked_for() -> None:
    assert ImageClassification.from_examples(examples_of(PETS), {}).metric == "accuracy"
    assert ImageClassification.from_examples(examples_of(TAGS), {}).metric == "macro_f1"
    asked = ImageClassification.from_examples(examples_of(PETS), {"metric": "balanced_accuracy"})
    assert asked.metric == "balanced_accuracy"


def test_class_weights_are_those_of_sklearn_and_have_mean_one() -> None:
    examples = examples_of(PETS)
    task = ImageClassification.from_examples(examples, {})
    weights = task.class_weights(examples)
    expected = compute_class_weight("balanced", classes=np.array(task.labels), y=np.array(PETS))
    np.testing.assert_allclose(weights, expected)
    assert np.mean([weights[task.labels.index(label)] for label in PETS]) == pytest.approx(1)


def test_accumulating_small_batches_gives_the_gradient_of_one_large(kind: Any) -> None:
    task, network, batch = kind
    objective = Objective(label_smoothing=0.1, class_weights=tuple(np.arange(1.0, 1 + len(task.labels))))
    gradients = []
    for cuts in ([(0, 6)], [(0, 1), (1, 4), (4, 6)]):
        network.zero_grad()
        losses = [task.loss(network, batch.piece(*cut), objective)[0] for cut in cuts]
        (sum(loss.total for loss in losses) / sum(loss.units for loss in losses)).backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_softmax_loss_is_torchs_cross_entropy() -> None:
    task, network, batch = ready(*KINDS["softmax"])
    weights = (0.5, 1.0, 2.0)
    loss, _ = task.loss(network, batch, Objective(label_smoothing=0.2, class_weights=weights))
    expected = functional.cross_entropy(
        network(**batch.inputs),
        batch.targets.argmax(dim=1),
        weight=torch.tensor(weights),
        label_smoothing=0.2,
        reduction="sum",
    )
    torch.testing.assert_close(loss.total, expected)


def test_sigmoid_loss_is_binary_cross_entropy_of_one_logit() -> None:
    task, network, batch = ready(*KINDS["sigmoid"])
    loss, rows = task.loss(network, batch, Objective(label_smoothing=0.2))
    logit = network(**batch.inputs)
    assert logit.shape == (6, 1)
    smooth = batch.targets[:, 1:] * 0.8 + 0.1
    expected = functional.binary_cross_entropy_with_logits(logit, smooth, reduction="sum")
    torch.testing.assert_close(loss.total, expected)
    np.testing.assert_allclose(task.probabilities(rows)[:, 1:], torch.sigmoid(logit).detach(), rtol=1e-5)


def test_the_loss_of_several_labels_is_the_mean_of_torchs_over_labels() -> None:
    task, network, batch = ready(*KINDS["multi-label"])
    weights = (0.5, 1.0, 2.0)
    loss, _ = task.loss(network, batch, Objective(label_smoothing=0.2, class_weights=weights))
    expected = functional.binary_cross_entropy_with_logits(
        network(**batch.inputs),
        0.1 + 0.8 * batch.targets,
        pos_weight=torch.tensor(weights),
        reduction="none",
    )
    torch.testing.assert_close(loss.total, expected.mean(dim=1).sum())


def test_a_soft_target_costs_what_its_hard_parts_cost_in_their_shares(kind: Any) -> None:
    task, network, batch = kind
    turned = batch.targets.flip(0)
    cost = [
        task.loss(network, replace(batch, targets=targets), Objective())[0].total
        for targets in (batch.targets, turned, 0.7 * batch.targets + 0.3 * turned)
    ]
    torch.testing.assert_close(cost[2], 0.7 * cost[0] + 0.3 * cost[1])


def test_mixup_blends_inputs_and_targets_with_the_same_partners_and_share() -> None:
    task, _, batch = ready(*KINDS["softmax"])
    both = replace(batch, inputs={"x": torch.eye(6)}, targets=torch.eye(6))
    mixed = task.mix(both, 1.0, torch.Generator().manual_seed(5))
    assert torch.equal(mixed.inputs["x"], mixed.targets)
    assert not torch.equal(mixed.targets, both.targets)
    torch.testing.assert_close(mixed.targets.sum(dim=0), torch.ones(6))
    torch.testing.assert_close(mixed.targets.sum(dim=1), torch.ones(6))
    assert len(mixed.targets.unique()) <= 4  # 0, 1, the share and its rest


def test_mixup_is_a_function_of_its_generator(kind: Any) -> None:
    task, _, batch = kind
    one, other, third = (task.mix(batch, 0.4, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(one.inputs["x"], other.inputs["x"])
    assert not torch.equal(one.inputs["x"], third.inputs["x"])


def test_token_ids_are_not_mixed(kind: Any) -> None:
    task, _, batch = kind
    tokens = replace(batch, inputs={"input_ids": torch.arange(12).reshape(6, 2)})
    assert task.mix(tokens, 1.0, torch.Generator().manual_seed(0)) is tokens


def test_the_baseline_says_how_often_each_label_is(kind: Any) -> None:
    task, _, batch = kind
    outputs = task.baseline(list(batch.targets.numpy()), 4)
    assert len(outputs) == 4
    np.testing.assert_allclose(
        task.probabilities(outputs), np.tile(batch.targets.numpy().mean(axis=0), (4, 1)), rtol=1e-5
    )


def test_a_label_that_all_examples_have_is_not_thought_certain() -> None:
    task = ImageClassification.from_examples(examples_of([("a", "b"), ("a",)]), {})
    row = task.baseline([np.array([1, 1], dtype=np.float32), np.array([1, 0], dtype=np.float32)], 1)[0]
    assert task.probabilities([row])[0] == pytest.approx([0.75, 0.5])


def test_several_labels_or_none_are_no_single_label() -> None:
    task = ImageClassification.from_examples(examples_of(TAGS), {})
    several, none = task.decode(np.array([-3.0, 2, 1])), task.decode(np.array([-3.0, -2, -1]))
    assert (several.label, several.labels) == (None, ("sea", "sky"))
    assert (none.label, none.score, none.labels) == (None, None, ())
    assert task.decode(np.array([-3.0, 2, -1])).label == "sea"


def test_what_a_linear_model_learns_is_as_wide_as_the_heads_output(kind: Any) -> None:
    task, network, batch = kind
    linear = task.linear_targets(list(batch.targets.numpy()))
    assert linear.values.shape == network(**batch.inputs).shape
    assert linear.exclusive == (task.kind.name == "softmax")


def test_values_of_the_head_are_read_as_the_networks_outputs_are(kind: Any) -> None:
    task, network, batch = kind
    values = network(**batch.inputs).detach().numpy()
    np.testing.assert_array_equal(task.read_head(values), task.outputs(network, batch))


def test_no_examples_score_nothing(kind: Any) -> None:
    task, _, _ = kind
    for scorer in task.scorers([], []).values():
        assert np.isnan(scorer(np.ones((1, 0)))).all()


def test_targets_that_mixup_made_soft_count_as_what_they_are_most(kind: Any) -> None:
    task, _, batch = kind
    soft = 0.8 * batch.targets + 0.2 * batch.targets.flip(0)
    np.testing.assert_array_equal(task.truth(soft), batch.targets.numpy() > 0.5)
