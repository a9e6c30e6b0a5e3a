"""What is returned is never worse than the probe, whatever the training did."""

import html
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import headstart as hs
from headstart.config.load import load
from headstart.errors import ConfigError
from headstart.workflow import fit


@pytest.fixture(scope="module")
def photos(stripes: Callable[[int, int], Path]) -> Path:
    return stripes(24, 48)


def fitted(photos: Path, out: Path, **settings: object) -> dict:
    given = {"data.path": str(photos), "out": str(out), "model.image_size": 64, "train.epochs": 2, **settings}
    return fit(load(None, given), stream=io.StringIO()).result


def test_a_ruinous_technique_gives_the_probe_back(photos: Path, tmp_path: Path) -> None:
    ruin = {"technique.name": "full", "train.lr": 0.9, "train.optimiser": "adam", "train.clip": 0.0}
    result = fitted(photos, tmp_path / "run", **ruin)
    assert result["returned"] == "probe"
    probe = result["baselines"]["linear_probe"]["val"]["metrics"]["accuracy"]["value"]
    assert result["val"]["metrics"]["accuracy"]["value"] >= probe


def test_on_an_error_too_a_ruinous_technique_gives_the_probe_back(photos: Path, tmp_path: Path) -> None:
    ruin = {"technique.name": "full", "train.lr": 0.9, "train.optimiser": "adam", "train.clip": 0.0}
    result = fitted(photos, tmp_path / "run", **ruin, **{"train.metric": "log_loss"})
    assert (result["metric"], result["returned"]) == ("log_loss", "probe")


@pytest.mark.parametrize("head", [{}, {"model.head.dropout": 0.3}])
def test_what_is_saved_is_the_best_of_what_lies_between_probe_and_trained_network(
    photos: Path, tmp_path: Path, head: dict[str, object]
) -> None:
    # A rate that is too high by far, so that the way back is the better one.
    rash = {"technique.name": "full", "train.lr": 0.02, "train.keep_probe": False, "train.epochs": 1}
    result = fitted(photos, tmp_path / "run", **rash, **head)
    candidates = result["candidates"]
    assert {candidate["share"] for candidate in candidates} == {0.25, 0.5, 0.75, 1.0}
    assert [one["metric"] for one in candidates] == sorted((c["metric"] for c in candidates), reverse=True)
    assert result["returned"] == ("trained" if candidates[0]["share"] == 1 else "between")
    val = json.loads((tmp_path / "run" / "data.json").read_text())["splits"]["val"]
    found = hs.load(tmp_path / "run").predict([photos / name for name in val])
    right = sum(one.label == name.split("/")[0] for one, name in zip(found, val, strict=True))
    assert right / len(val) == candidates[0]["metric"] == result["val"]["metrics"]["accuracy"]["value"]


def test_weights_between_are_not_tried_where_that_is_turned_off_or_there_is_no_line(
    photos: Path, tmp_path: Path
) -> None:
    for number, settings in enumerate(({"train.interpolate": False}, {"model.head.hidden": [8]})):
        given = {"technique.name": "full", "train.keep_probe": False, "train.epochs": 1, **settings}
        result = fitted(photos, tmp_path / str(number), **given)
        assert [candidate["share"] for candidate in result["candidates"]] == [1.0]
        assert result["returned"] == "trained"


def test_where_no_step_was_made_the_probe_is_returned(photos: Path, tmp_path: Path) -> None:
    result = fitted(photos, tmp_path / "run", time_limit=0.01)
    assert (result["steps"], result["stopped"], result["returned"]) == (0, "time limit", "probe")
    assert {rung["rung"] for rung in result["ladder"]} == {"majority", "linear probe"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "No training step fitted into the time limit" in page and "no training step was made" in page
    assert "did not beat" not in page and "still learning" not in page


def test_what_to_try_next_knows_the_splits_of_the_data_and_that_its_labels_are_amounts(
    stripes: Callable[[int, int], Path], tmp_path: Path
) -> None:
    for number, file in enumerate(sorted(stripes(44, 32).rglob("*.png"))):
        folder = tmp_path / "data" / ("test" if number < 22 else "train") / str(number % 22)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / f"{number}.png")
    fitted(tmp_path / "data", tmp_path / "run", **{"technique.name": "linear-probe"})
    page = html.unescape((tmp_path / "run" / "report.html").read_text())
    first, *others = page.split("What to try next")[1].split("</li>")
    assert "does not predict numbers (regression) yet" in first
    assert "Label more for the data's own test split" in "".join(others)
    assert "data.test=0.3" not in page


def test_a_metric_that_validation_data_leaves_undefined_is_refused_before_training(
    photos: Path, tmp_path: Path
) -> None:
    for part, labels in {"train": ("across", "down"), "val": ("down",), "test": ("across", "down")}.items():
        for label in labels:
            (tmp_path / "split" / part / label).mkdir(parents=True)
    for number, file in enumerate(sorted(photos.rglob("*.png"))):
        folder = tmp_path / "split" / ("train", "val", "test")[number % 3] / file.parent.name
        if folder.is_dir():
            shutil.copy(file, folder)
    with pytest.raises(ConfigError, match="'auroc' is not defined on the 8 validation examples"):
        fitted(tmp_path / "split", tmp_path / "run", **{"train.metric": "auroc"})
    assert not (tmp_path / "run").exists()


def test_the_same_request_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fitted(photos, tmp_path / name)
    one, two = (
        json.loads((tmp_path / name / "model" / "bundle.json").read_text()) for name in ("one", "two")
    )
    assert one["sha256"] == two["sha256"]


@pytest.mark.parametrize(("store", "tolerance"), [(True, 0.02), (False, 0.0)])
def test_a_loaded_model_says_what_the_run_wrote(
    photos: Path, tmp_path: Path, store: bool, tolerance: float
) -> None:
    fitted(photos, tmp_path / "run", **{"technique.name": "linear-probe", "features.store": store})
    rows = (tmp_path / "run" / "predictions" / "test.csv").read_text().splitlines()[1:]
    model = hs.load(tmp_path / "run")
    for row in rows:
        name, _, label, score, *_ = row.split(",")
        (alone,) = model.predict([photos / name])
        assert alone.label == label
        assert abs(alone.score - float(score)) <= tolerance


def test_a_run_has_the_split_that_was_shown_before(photos: Path, tmp_path: Path) -> None:
    settings = {"model.image_size": 64}
    shown = hs.split(photos, settings)
    fitted(photos, tmp_path / "run", **{"technique.name": "linear-probe"})
    written = json.loads((tmp_path / "run" / "data.json").read_text())["splits"]
    assert written == shown.state()


def test_the_model_names_the_metric_that_the_plan_chose(photos: Path, tmp_path: Path) -> None:
    for file in (*photos.glob("across/*.png"), *photos.glob("down/[12].png")):
        copy = tmp_path / "uneven" / file.relative_to(photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    result = fitted(tmp_path / "uneven", tmp_path / "run", **{"technique.name": "linear-probe"})
    bundle = json.loads((tmp_path / "run" / "model" / "bundle.json").read_text())
    assert result["metric"] == bundle["task"]["metric"] == "macro_f1"
