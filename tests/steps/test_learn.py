"""What is returned is never worse than the probe, whatever the training did."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import headstart as hs
from headstart.config.load import load
from headstart.workflow import fit


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that differ in the direction of their stripes."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("photos")
    for label in ("across", "down"):
        (folder / label).mkdir()
        for number in range(24):
            stripes = 127 + 60 * np.sin(np.arange(48) * random.uniform(0.4, 1.2) + random.uniform(0, 6))
            pixels = np.tile(stripes[:, None], (1, 48)) + random.normal(0, 60, (48, 48))
            pixels = pixels if label == "across" else pixels.T
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / label / f"{number}.png")
    return folder


def fitted(photos: Path, out: Path, **settings: object) -> dict:
    given = {"data.path": str(photos), "out": str(out), "model.image_size": 64, "train.epochs": 2, **settings}
    return fit(load(None, given), stream=io.StringIO()).result


def test_a_ruinous_technique_gives_the_probe_back(photos: Path, tmp_path: Path) -> None:
    ruin = {"technique.name": "full", "train.lr": 0.9, "train.optimiser": "adam", "train.clip": 0.0}
    result = fitted(photos, tmp_path / "run", **ruin)
    assert result["returned"] == "probe"
    probe = result["baselines"]["linear_probe"]["val"]["metrics"]["accuracy"]["value"]
    assert result["val"]["metrics"]["accuracy"]["value"] >= probe


def test_the_same_request_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fitted(photos, tmp_path / name)
    one, two = (
        json.loads((tmp_path / name / "model" / "bundle.json").read_text()) for name in ("one", "two")
    )
    assert one["sha256"] == two["sha256"]


def test_a_loaded_model_says_what_the_run_wrote(photos: Path, tmp_path: Path) -> None:
    fitted(photos, tmp_path / "run", **{"technique.name": "linear-probe"})
    rows = (tmp_path / "run" / "predictions" / "test.csv").read_text().splitlines()[1:]
    model = hs.load(tmp_path / "run")
    for row in rows:
        name, _, label, score, *_ = row.split(",")
        (alone,) = model.predict([photos / name])
        assert (alone.label, str(alone.score)) == (label, score)
