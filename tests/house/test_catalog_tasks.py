"""The contract of every task of the catalogue, on its sample in tests/samples/."""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from headstart.catalog import MODALITIES, TASKS, resolve
from headstart.contracts import Backbone, Batch, Example, Head, Objective, Prediction, View

SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass
class Sample:
    task: Any
    examples: Sequence[Example]
    views: Sequence[View]
    backbone: Backbone
    network: nn.Module

    def batch(self, order: Sequence[int] | None = None) -> Batch:
        order = range(len(self.examples)) if order is None else order
        return self.task.collate([self.examples[i] for i in order], [self.views[i] for i in order])

    @property
    def outputs(self) -> Sequence[Any]:
        return self.task.outputs(self.network, self.batch())

    @property
    def targets(self) -> Sequence[Any]:
        return [self.task.encode(example) for example in self.examples]


def assert_alike(one: Any, other: Any) -> None:
    """Two outputs say the same: arrays, or records of numbers and texts."""
    if is_dataclass(one):
        one, other = ([getattr(output, field.name) for field in fields(output)] for output in (one, other))
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    elif isinstance(one, str | None):
        assert one == other
    else:
        np.testing.assert_allclose(one, other, atol=1e-5)


def load_sample(name: str) -> ModuleType:
    path = SAMPLES / f"{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"sample_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=sorted(TASKS))
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Sample:
    module = load_sample(request.param)
    examples, backbone = module.examples(tmp_path), module.backbone()
    task_class = resolve("task", request.param, TASKS)
    task = task_class.from_examples(examples, {})
    modality = resolve("modality", task.modality, MODALITIES)(backbone.preprocessing, None, 0)
    views = [modality.view(example, None) for example in examples]
    torch.manual_seed(0)
    network = task.build(backbone, Head()).eval()
    return Sample(task, examples, views, backbone, network)


def test_a_task_has_the_name_that_the_catalogue_gives_it(sample: Sample) -> None:
    assert resolve("task", sample.task.name, TASKS) is type(sample.task)
    assert sample.task.modality in MODALITIES


def test_a_task_goes_into_a_bundle_and_back(sample: Sample) -> None:
    state = json.loads(json.dumps(sample.task.state()))
    again = type(sample.task).from_state(state)
    assert again == sample.task
    assert again.state() == sample.task.state()


def test_a_network_has_its_two_parts_apart(sample: Sample) -> None:
    assert sample.network.backbone is sample.backbone.module
    owned = {*sample.network.backbone.parameters(), *sample.network.head.parameters()}
    assert owned == set(sample.network.parameters())


def test_the_losses_of_pieces_add_up_to_that_of_the_batch(sample: Sample) -> None:
    batch, objective = sample.batch(), Objective(label_smoothing=0.1)
    whole, outputs = sample.task.loss(sample.network, batch, objective)
    pieces = [batch.piece(0, 4), batch.piece(4, 5), batch.piece(5, len(batch))]
    parts = [sample.task.loss(sample.network, piece, objective) for piece in pieces]
    assert sum(loss.units for loss, _ in parts) == whole.units
    torch.testing.assert_close(sum(loss.total for loss, _ in parts), whole.total)
    torch.testing.assert_close(torch.cat([loss.per_example for loss, _ in parts]), whole.per_example)
    assert not whole.per_example.requires_grad
    assert outputs is None or len(outputs) == len(batch)


def test_a_loss_reaches_every_parameter(sample: Sample) -> None:
    loss, _ = sample.task.loss(sample.network, sample.batch(), Objective())
    loss.total.backward()
    assert all(parameter.grad is not None for parameter in sample.network.parameters())


def test_outputs_do_not_depend_on_the_neighbours_or_their_order(sample: Sample) -> None:
    order = list(reversed(range(len(sample.examples))))
    turned = sample.task.outputs(sample.network, sample.batch(order))
    expected = sample.outputs
    for place, output in zip(order, turned, strict=True):
        assert_alike(output, expected[place])


def test_rows_that_only_pad_a_batch_have_no_output_and_no_loss(sample: Sample) -> None:
    batch = sample.batch()
    padded = replace(batch, ids=batch.ids[:3])
    loss, outputs = sample.task.loss(sample.network, padded, Objective())
    expected, _ = sample.task.loss(sample.network, batch.piece(0, 3), Objective())
    assert outputs is None or len(outputs) == 3
    assert len(sample.task.outputs(sample.network, padded)) == 3
    torch.testing.assert_close(loss.total, expected.total)
    assert loss.units == expected.units


def test_predicting_needs_no_targets(sample: Sample) -> None:
    unknown = [Example(example.id, example.input) for example in sample.examples]
    batch = sample.task.collate(unknown, sample.views)
    assert batch.targets is None
    assert len(sample.task.outputs(sample.network, batch)) == len(unknown)


def test_a_scorer_takes_many_rows_of_weights(sample: Sample) -> None:
    scorers = sample.task.scorers(sample.outputs, sample.targets)
    assert sample.task.metric in scorers
    rows = np.random.default_rng(0).integers(0, 4, size=(6, len(sample.examples))).astype(float)
    for name, scorer in scorers.items():
        values = scorer(rows)
        assert values.shape == (6,)
        each = [scorer(row[None])[0] for row in rows]
        np.testing.assert_allclose(values, each, err_msg=name)


def test_a_repeated_example_counts_as_often(sample: Sample) -> None:
    counts = np.random.default_rng(1).integers(0, 4, size=len(sample.examples))
    repeated = np.repeat(np.arange(len(counts)), counts)
    outputs, targets = sample.outputs, sample.targets
    weighted = sample.task.scorers(outputs, targets)
    written_out = sample.task.scorers([outputs[i] for i in repeated], [targets[i] for i in repeated])
    for name, scorer in weighted.items():
        value = scorer(counts[None].astype(float))
        np.testing.assert_allclose(value, written_out[name](np.ones((1, len(repeated)))), err_msg=name)


def test_a_linear_probe_learns_what_the_head_gives(sample: Sample) -> None:
    linear = sample.task.linear_targets(sample.targets)
    if linear is None:
        pytest.skip("a probe has no meaning for this task")
    with torch.inference_mode():
        values = sample.network(**sample.batch().inputs).numpy()
    assert linear.values.shape == values.shape
    np.testing.assert_array_equal(sample.task.read_head(values), sample.outputs)


def test_the_baseline_can_be_scored(sample: Sample) -> None:
    outputs = sample.task.baseline(sample.targets, len(sample.examples))
    if outputs is None:
        pytest.skip("a model that looks at no input would say nothing")
    scorers = sample.task.scorers(outputs, sample.targets)
    assert np.isfinite(scorers[sample.task.metric](np.ones((1, len(outputs))))).all()


def test_mixing_with_no_strength_changes_nothing(sample: Sample) -> None:
    batch = sample.batch()
    assert sample.task.mix(batch, 0.0, torch.Generator().manual_seed(0)) is batch


def test_every_output_decodes_to_a_prediction(sample: Sample) -> None:
    for example, output in zip(sample.examples, sample.outputs, strict=True):
        prediction = sample.task.decode(output, example.input)
        assert isinstance(prediction, Prediction)
        json.dumps(dict(prediction.scores))
