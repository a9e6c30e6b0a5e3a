"""Numbers that are not finite, and memory that runs out (faults 15 and 16)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from faults import differing, strike_at
from safetensors.torch import load_file, save_file
from torch import nn

from headstart.contracts import Batch, Task
from headstart.evaluation.outputs import compute_outputs
from headstart.steps import validate
from headstart.training import loop
from headstart.training.checkpoint import read_checkpoint
from headstart.training.gradients import Gradients

Fit = Callable[..., tuple[int, str, str]]

# ReLU6 bounds the activations, so that a rate alone gives no infinity: decay above 1 a step does.
DIVERGING = (
    *("--technique", "full", "--lr", "0.99", "--epochs", "15", "--set", "train.weight_decay=10"),
    *("--set", "train.optimiser=sgd", "--set", "train.clip=0", "--set", "train.schedule=constant"),
    *("--set", "train.patience=0"),
)


def test_a_loss_that_is_not_finite_names_examples_and_keeps_the_last_checkpoint(
    fit: Fit, stopped: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(stopped, tmp_path / "run"))
    with pytest.MonkeyPatch.context() as patch:
        poison(patch)
        code, printed, said = fit("--resume", run)
    assert (code, printed, "Traceback" in said) == (1, "", False)
    assert "the loss is not finite" in said
    assert any(name in said for name in json.loads((run / "data.json").read_text())["splits"]["train"])
    newest = sorted((run / "checkpoints").iterdir())[-1]
    assert all(value.isfinite().all() for value in read_checkpoint(newest).weights.values())


def poison(patch: pytest.MonkeyPatch) -> None:
    """Let the first image of every training batch come out as no number."""
    window_gradients = loop.window_gradients

    def poisoned(network: nn.Module, window: Sequence[Batch], **named: Any) -> Gradients:
        for batch in window:
            next(iter(batch.inputs.values()))[0] = torch.nan
        return window_gradients(network, window, **named)

    patch.setattr(loop, "window_gradients", poisoned)


@pytest.mark.slow
def test_a_rate_at_which_training_diverges_is_an_error_with_examples(fit: Fit, tmp_path: Path) -> None:
    code, printed, said = fit("--out", tmp_path / "run", *DIVERGING)
    assert (code, printed, "Traceback" in said) == (1, "", False), said
    assert "is not finite. Examples with the worst loss: " in said


@pytest.mark.slow
def test_a_network_that_says_no_number_of_validation_examples_is_not_kept(fit: Fit, tmp_path: Path) -> None:
    def poisoned(task: Task, network: nn.Module, batches: Iterable[Batch], **named: Any) -> list[Any]:
        with torch.no_grad():
            network.get_submodule("head").apply(
                lambda layer: [value.fill_(torch.nan) for value in layer.parameters()]
            )
        return compute_outputs(task, network, batches, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "compute_outputs", poisoned)
        code, printed, said = fit("--out", tmp_path / "run")
    assert (code, printed, "Traceback" in said) == (1, "", False), said
    assert "Validation: the loss is not finite, for 6 of 6 examples: " in said
    assert not (tmp_path / "run" / "model").exists()


def test_weights_that_are_not_finite_are_refused_before_training(
    fit: Fit, whole: Path, tmp_path: Path
) -> None:
    weights = load_file(whole / "model" / "weights.safetensors")
    broken = {
        name.removeprefix("backbone."): value
        for name, value in weights.items()
        if name.startswith("backbone.")
    }
    broken["conv_stem.weight"].fill_(torch.nan)
    save_file(broken, tmp_path / "broken.safetensors")
    name = f"local:tf_efficientnet_lite0@{tmp_path}/broken.safetensors"
    code, printed, said = fit("--model", name, "--out", tmp_path / "run")
    assert (code, printed, "Traceback" in said) == (1, "", False), said
    assert "gives values that are not finite, for 40 of 40 examples: cold/00.png, " in said
    assert not (tmp_path / "run").exists()


OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.slow
def test_a_step_out_of_memory_goes_on_with_half_as_many_examples_at_once(
    fit: Fit, stopped: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(stopped, tmp_path / "run"))
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, "headstart.training.gradients._backward", 2, OUT_OF_MEMORY)
        code, _, said = fit("--resume", run)
    assert code == 0
    assert "Out of memory: 4 examples are computed at once now." in said


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("headstart.steps.supply.fill", "features of 8 examples"),
        ("headstart.steps.validate.compute_outputs", "predictions of 8 examples"),
        ("headstart.artifact.model.compute_outputs", "predictions of 8 examples"),
    ],
)
@pytest.mark.slow
def test_batches_whose_size_is_fixed_say_so_when_memory_runs_out(
    fit: Fit, whole: Path, tmp_path: Path, place: str, what: str
) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, place, 1, OUT_OF_MEMORY)
        code, printed, said = fit("--out", run)
    assert (code, printed, "Traceback" in said) == (1, "", False)
    assert f"Out of memory on cpu: {what} at once." in said
    again = ("--resume", run) if run.exists() else ("--out", run)
    assert fit(*again)[0] == 0
    assert differing(run, whole) == []
