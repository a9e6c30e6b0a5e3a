"""What is served is what was measured, and what is frozen is as it was pretrained (promises 3 and 7)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import headstart as hs
from headstart.sources.resolve import load as load_backbone

Answer = tuple[int, str, str]


@pytest.fixture(autouse=True)
def as_many_threads_as_the_fit() -> None:
    torch.set_num_threads(1)


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "predictions" / "test.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def scores(row: dict[str, str]) -> dict[str, float]:
    return {label: float(row[f"score:{label}"]) for label in ("cold", "warm")}


def test_a_loaded_model_says_of_every_test_image_what_was_measured_in_any_company(
    whole: Path, shades: Path
) -> None:
    model = hs.load(whole)
    measured = {row["id"]: (row["predicted"], scores(row)) for row in rows(whole)}
    files = [shades / name for name in measured]
    others = sorted(shades.rglob("*.png"))
    for company in ([], others[:1], others[:9]):
        said = model.predict([*company, *files])[len(company) :]
        assert [(one.label, one.scores) for one in said] == list(measured.values())
    alone = [model.predict([file])[0] for file in files]
    assert [(one.label, one.scores) for one in alone] == list(measured.values())


def test_predict_prints_what_was_measured(call: Callable[..., Answer], whole: Path, shades: Path) -> None:
    code, printed, _ = call("predict", whole, *(shades / row["id"] for row in rows(whole)))
    assert code == 0
    printed_rows = [(row["label"], row["score"]) for row in csv.DictReader(printed.splitlines())]
    assert printed_rows == [(row["predicted"], row["score"]) for row in rows(whole)]
    _, printed, _ = call("predict", whole, "--json", shades)
    said = {Path(one["input"]): one["scores"] for one in map(json.loads, printed.splitlines())}
    assert [said[shades / row["id"]] for row in rows(whole)] == [scores(row) for row in rows(whole)]


@pytest.fixture(scope="module")
def probed(fit: Callable[..., Answer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probed") / "run"
    assert fit("--technique", "linear-probe", "--out", folder)[0] == 0
    return folder


@pytest.mark.parametrize("name", ["whole", "probed"])
def test_what_no_phase_trains_is_in_the_bundle_as_it_was_pretrained(
    name: str, request: pytest.FixtureRequest
) -> None:
    run: Path = request.getfixturevalue(name)
    phases = json.loads((run / "plan.json").read_text())["decisions"]["phases"]["value"]
    trained = {part for phase in phases for part in phase["rates"]}
    backbone = load_backbone(None, image_size=64)
    delivered = load_file(run / "model" / "weights.safetensors")
    moving = {
        parameter
        for boundary in backbone.boundaries
        if boundary.name in trained
        for parameter in boundary.parameters
    }
    # BatchNorm is frozen by default: no buffer changes, also of layers that train.
    kept = {key: value for key, value in backbone.module.state_dict().items() if key not in moving}
    assert len(kept) > len(backbone.boundaries)
    assert bool(moving) == bool(phases)
    assert [key for key in kept if not torch.equal(delivered[f"backbone.{key}"], kept[key])] == []
    assert all(
        not torch.equal(delivered[f"backbone.{key}"], backbone.module.state_dict()[key]) for key in moving
    )
