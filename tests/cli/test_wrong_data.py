"""Data that cannot be trained on, and run folders that were damaged, end in a sentence and exit code 2."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Answer = tuple[int, str, str]
Call = Callable[..., Answer]
Draw = Callable[..., Path]

COLOURS = {"red": (200, 40, 40), "blue": (40, 40, 200), "green": (40, 200, 40)}


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Writes so many images of each colour into class folders."""
    generator = np.random.default_rng(0)

    def write(name: str, **counts: int) -> Path:
        for label, count in counts.items():
            (tmp_path / name / label).mkdir(parents=True)
            for number in range(count):
                pixels = generator.normal(COLOURS[label], 30, (16, 16, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / label / f"{number:02d}.png")
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def run(call: Call, shades: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a linear probe on `shades`; only to be copied."""
    folder = tmp_path_factory.mktemp("probe") / "run"
    code, _, said = call("fit", shades, "--technique", "linear-probe", "--image-size", 32, "--out", folder)
    assert code == 0, said
    return folder


@pytest.mark.parametrize("counts", [{"red": 1, "blue": 1}, {"red": 2, "blue": 2, "green": 2}])
def test_what_check_lets_pass_fit_can_divide(
    call: Call, draw: Draw, tmp_path: Path, counts: dict[str, int]
) -> None:
    data = draw("few", **counts)
    for command in (["check", data], ["fit", data, "--out", tmp_path / "run"]):
        code, printed, said = call(*command)
        assert code == 2
        assert "too few examples: nothing is left for test" in printed + said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.val=0.9", "data.val and data.test: must be less than 1 together."),
        ("model.freeze=['stem']", "model.freeze: no boundary 'stem'. Did you mean 'conv_stem'?"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_feature_is_computed(
    call: Call, draw: Draw, tmp_path: Path, setting: str, message: str
) -> None:
    code, _, said = call("fit", draw("d", red=9, blue=9), "--set", setting, "--out", tmp_path / "run")
    assert code == 2
    assert message in said
    assert "features" not in said
    assert not (tmp_path / "run").exists()


def test_rare_classes_are_trained_on_and_said(call: Call, draw: Draw, tmp_path: Path) -> None:
    data = draw("rare", red=8, blue=8, green=1)
    arguments = ("--technique", "full", "--epochs", 1, "--image-size", 32, "--out", tmp_path / "run")
    code, _, said = call("fit", data, *arguments)
    assert code == 0, said
    assert "a single example is only trained on" in said
    assert call("evaluate", tmp_path / "run")[0] == 0


def test_all_unknown_labels_are_named_before_anything_is_computed(call: Call, draw: Draw, run: Path) -> None:
    code, printed, said = call("evaluate", run, draw("other", red=1, blue=24))
    assert (code, printed) == (2, "")
    assert (
        "labels: 2 problems\n  'blue' is unknown: blue/00.png, blue/01.png, blue/02.png and 21 more." in said
    )
    assert "  'red' is unknown: red/00.png.\nThe model knows: 'cold', 'warm'." in said


def test_a_damaged_record_of_the_data_is_named(call: Call, run: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(run, tmp_path / "run")
    for text in ("{}", "[]"):
        (broken / "data.json").write_text(text)
        code, _, said = call("evaluate", broken)
        assert (code, "data.json: lacks splits, groups." in said) == (2, True)
    (broken / "result.json").unlink()
    code, _, said = call("fit", "--resume", broken)
    assert (code, "data.json: lacks fingerprint, splits, split_reason." in said) == (2, True)


def test_what_is_no_bundle_is_named(call: Call, run: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(run, tmp_path / "run")
    (broken / "model/bundle.json").write_text("[]")
    code, _, said = call("predict", broken, "x.png")
    assert (code, "bundle.json: format None, but this version reads" in said) == (1, True)
    facts = json.loads((run / "model/bundle.json").read_text())
    for wrong, why in (
        ({"format": facts["format"]}, "bundle.json: cannot be understood (KeyError: "),
        ({**facts, "preprocessing": 7}, "bundle.json: cannot be understood"),
        ({**facts, "sha256": {"../config.toml": ""}}, "names '../config.toml', which is no file beside it"),
    ):
        (broken / "model/bundle.json").write_text(json.dumps(wrong))
        code, _, said = call("predict", broken, "x.png")
        assert (code, why in said) == (1, True), said
    code, _, said = call("predict", broken / "config.toml", "x.png")
    assert (code, "config.toml: has no saved model" in said) == (2, True)


def test_inputs_that_can_be_no_path_are_refused_one_by_one(
    call: Call, run: Path, draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    good = draw("good", red=1) / "red/00.png"
    code, printed, said = call("predict", run, "", "x" * 5_000, good, "--json")
    assert code == 2
    assert [json.loads(line)["input"] for line in printed.splitlines()] == [str(good)]
    assert len(said.splitlines()) == 2
    assert "File name too long" in said


def test_a_fault_of_the_system_is_no_fault_of_headstart(call: Call) -> None:
    code, printed, said = call("evaluate", "x" * 300)
    assert (code, printed) == (1, "")
    assert said == f"headstart: {'x' * 300}/bundle.json: File name too long. " + (
        "Check the path, its permissions, and the disk.\n"
    )


def test_names_do_not_act_on_the_terminal(call: Call, draw: Draw, run: Path) -> None:
    data = draw("loud", red=3, blue=3)
    (data / "red").rename(data / "\x1b[31mred")
    _, printed, _ = call("check", data)
    assert "\\x1b[31mred  3" in printed
    _, _, said = call("predict", run, data / "\x1b[2J.png")
    assert "\\x1b[2J.png: there is no such file" in said
    assert "\x1b" not in printed + said
