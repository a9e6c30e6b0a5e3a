"""The commands on a small set of real files: results on stdout, all else on stderr."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Answer = tuple[int, str, str]
Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise around two colours, in class folders."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    generator = np.random.default_rng(0)
    for label, colour in {"red": (200, 40, 40), "blue": (40, 40, 200)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(14):
            pixels = generator.normal(colour, 30, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def answer(call: Call, photos: Path) -> Answer:
    """Of a fit into the folder `run`."""
    return call("fit", photos, "--technique", "linear-probe", "--out", photos.parent / "run")


@pytest.fixture(scope="module")
def run(answer: Answer, photos: Path) -> Path:
    return photos.parent / "run"


def test_fit_prints_the_run_folder_and_says_the_rest_on_stderr(answer: Answer, run: Path) -> None:
    code, printed, said = answer
    assert (code, printed) == (0, f"{run}\n")
    assert "accuracy" in said.lower()
    assert "Plan" in said


def test_a_dry_run_shows_the_plan_and_writes_nothing(call: Call, photos: Path) -> None:
    out = photos.parent / "dry"
    code, printed, _ = call("fit", photos, "--epochs", 3, "--out", out, "--dry-run", "--json")
    decisions = json.loads(printed)["decisions"]
    assert code == 0
    assert sum(phase["epochs"] for phase in decisions["phases"]["value"]) == 3
    assert not out.exists()


def test_the_config_of_a_run_repeats_it(call: Call, run: Path) -> None:
    again = run.parent / "again"
    code, printed, _ = call("fit", "--config", run / "config.toml", "--out", again, "--json")
    assert code == 0
    assert json.loads(printed)["test"] == json.loads((run / "result.json").read_text())["test"]


def test_check_prints_findings_and_fails_where_nothing_can_be_trained(call: Call, photos: Path) -> None:
    code, printed, _ = call("check", photos)
    assert code == 0
    assert "28 examples" in printed
    code, printed, _ = call("check", photos, "--json")
    assert {"level", "code", "text", "ids", "table"} == set(json.loads(printed)[0])


def test_check_of_one_class_is_exit_code_2(call: Call, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos / "red", tmp_path / "data" / "red")
    code, printed, _ = call("check", tmp_path / "data")
    assert code == 2
    assert "error:" in printed


def test_evaluate_prints_the_scores_of_the_run(call: Call, run: Path) -> None:
    code, printed, _ = call("evaluate", run, "--json")
    assert code == 0
    assert json.loads(printed) == json.loads((run / "result.json").read_text())["test"]
    code, printed, _ = call("evaluate", run)
    assert code == 0
    assert "accuracy" in printed


def test_an_export_is_scored_as_its_run_is_also_where_it_was_moved_away(
    call: Call, photos: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accuracy(*arguments: object) -> dict[str, object]:
        code, printed, said = call("evaluate", *arguments, "--json")
        assert code == 0, said
        found: dict[str, object] = json.loads(printed)["metrics"]["accuracy"]
        return found

    code, printed, said = call("export", run, "--format", "openvino")
    assert code == 0, said
    export = Path(printed.strip())
    monkeypatch.chdir(export.parent)
    assert accuracy(export.name) == accuracy(run / "model") == accuracy(run)
    assert accuracy(export, photos) == accuracy(run, photos)

    moved = shutil.move(export, tmp_path / "moved")
    (tmp_path / "config.toml").write_text("[of.something.else]")
    assert accuracy(moved, photos) == accuracy(run, photos)
    code, _, said = call("evaluate", moved)
    assert (code, "no run is around it, so its test split is not known" in said) == (2, True)


def test_compare_asks_two_runs_the_same_examples(call: Call, photos: Path, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    code, _, said = call(
        "fit", photos, "--out", other, "--technique", "full", "--epochs", 1, "--image-size", 64
    )
    assert code == 0, said
    code, printed, _ = call("compare", run, other, "--json")
    found = json.loads(printed)
    tested = json.loads((run / "data.json").read_text())["splits"]["test"]
    assert (code, found["n"]) == (0, len(tested))
    for name, path in (("first", run), ("second", other)):
        scores = json.loads((path / "result.json").read_text())["test"]["metrics"]
        assert found["metrics"]["accuracy"][name] == pytest.approx(scores["accuracy"]["value"])
    churn = found["churn"]
    assert sum(churn[part] for part in ("both", "first", "second", "neither")) == found["n"]
    assert sum(row["changed"] for row in found["per_class"]) == churn["changed"]
    code, printed, _ = call("compare", run, other)
    assert code == 0 and found["verdict"] in printed and "McNemar" in printed


def test_runs_without_a_common_test_example_are_not_compared(
    call: Call, photos: Path, run: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    shutil.copytree(photos, few)
    call("fit", few, "--out", tmp_path / "other", "--technique", "linear-probe", "--image-size", 64)
    code, _, said = call("compare", run, tmp_path / "other")
    assert code == 2
    assert "different data" in said and "Name labelled DATA" in said
    code, _, said = call("compare", run, tmp_path / "other", photos)
    assert code == 0, said


def test_evaluate_names_every_input_that_cannot_be_read(
    call: Call, run: Path, photos: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(photos, tmp_path / "photos"))
    for name in ("blue/01.png", "red/02.png"):
        (data / name).write_bytes((data / name).read_bytes()[:60])
    code, printed, said = call("evaluate", run, data)
    assert (code, printed) == (2, "")
    assert "inputs: 2 problems\n  blue/01.png: " in said
    assert "\n  red/02.png: " in said


def test_predict_answers_in_csv_or_json_for_files_folders_and_stdin(
    call: Call, run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [photos / "red" / "00.png", photos / "blue" / "03.png"]
    _, printed, _ = call("predict", run, *files)
    rows = list(csv.DictReader(printed.splitlines()))
    assert [(row["input"], row["label"]) for row in rows] == [(str(files[0]), "red"), (str(files[1]), "blue")]

    monkeypatch.setattr(sys, "stdin", [f"{file}\n" for file in files])
    code, printed, _ = call("predict", run, "-", "--json")
    answers = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    assert [answer["label"] for answer in answers] == ["red", "blue"]
    assert answers[0]["score"] == pytest.approx(float(rows[0]["score"]))

    _, printed, _ = call("predict", run, photos)
    assert len(printed.splitlines()) == 1 + 28


def test_an_unreadable_input_is_named_and_the_others_are_predicted(
    call: Call, run: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"<html>")
    code, printed, said = call(
        "predict", run, tmp_path / "broken.png", photos / "red" / "00.png", tmp_path / "gone.png"
    )
    assert code == 2
    assert [line.split(",")[1] for line in printed.splitlines()] == ["label", "red"]
    assert "broken.png" in said
    assert "gone.png" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "missing/"], "missing"),
        (["check", "missing/"], "missing"),
        (["evaluate", "missing/"], "missing"),
        (["fit", "PHOTOS", "--model", "resnet999"], "resnet999"),
        (["fit", "PHOTOS", "--technique", "two-phases"], "Did you mean 'two-phase'?"),
        (["fit", "PHOTOS", "--task", "image-clasification"], "Did you mean 'image-classification'?"),
        (["fit", "PHOTOS", "--device", "tpu"], "tpu"),
        (
            ["fit", "PHOTOS", "--technique", "full", "--set", "technique.options.last=2"],
            "technique.options.last",
        ),
        (["fit", "PHOTOS", "--set", "model.freeze=99"], "model.freeze"),
        (["demo", "imagee"], "imagee"),
    ],
)
def test_what_is_not_there_is_named(
    call: Call,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed, said = call(*(str(photos) if part == "PHOTOS" else part for part in arguments))
    assert message in said
    assert "Traceback" not in said
    assert "report it" not in said
    assert (code, printed) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_predicting_without_a_model_is_an_error(call: Call, tmp_path: Path) -> None:
    code, printed, said = call("predict", tmp_path / "gone", "x.png")
    assert code != 0
    assert "gone: " in said
    assert (printed, "Traceback" in said) == ("", False)


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_its_own_exit_code(
    call: Call, run: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: int
) -> None:
    monkeypatch.setattr(sys, "stdin", (os.kill(os.getpid(), number) for _ in range(1)))
    code, _, said = call("predict", run, "-")
    assert code == expected
    assert "Traceback" not in said


def test_an_error_that_nobody_foresaw_is_one_line_and_a_request_to_report_it(
    call: Call, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> object:
        yield from {}["missing"]

    monkeypatch.setattr(sys, "stdin", broken())
    code, printed, said = call("predict", run, "-")
    assert (code, printed) == (1, "")
    assert said.startswith("headstart: KeyError: 'missing'\n")
    assert "please report it" in said
    assert "Traceback" not in said
