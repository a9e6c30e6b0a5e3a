"""A wrong call is answered at once: a sentence that names it, no traceback, exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import headstart

Answer = tuple[int, str, str]
Call = Callable[..., Answer]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fitt"], "No such command 'fitt'. Did you mean 'fit'?"),
        (["fit", "--epoch", 3], "No such option: --epoch"),
        (["fit", "--epoch", 3], "--epochs"),
        (["fit", "--epochs", "many"], "Invalid value for '--epochs'"),
        (["fit"], "DATA is missing."),
        (["fit", ".", "--epochs", 0], "--epochs: must be greater than or equal to 1. Got 0."),
        (["fit", ".", "--lr", 2], "--lr: must be less than 1. Got 2."),
        (["fit", ".", "--batch-size", -1], "--batch-size: must be greater than or equal to 1. Got -1."),
        (["fit", ".", "--image-size", 5000], "--image-size: must be less than or equal to 4096. Got 5000."),
        (["fit", ".", "--seed", -1], "--seed: must be greater than or equal to 0. Got -1."),
        (["fit", ".", "--time-limit", "soon"], "--time-limit: must be a positive number of seconds"),
        (["fit", ".", "--set", "train.clip=-1"], "--set train.clip: must be greater than or equal to 0."),
        (["fit", ".", "--set", "train.epoch=3"], "--set train.epoch: unknown key. Did you mean 'epochs'?"),
        (["fit", ".", "--set", "epochs"], "--set: 'epochs' has no '='."),
        (["fit", ".", "--config", "none.toml"], "none.toml: cannot be read: No such file or directory."),
        (["fit", ".", "--resume", "none"], "none: does not exist."),
        (["fit", ".", "--resume", "none", "--config", "x"], "--config and --resume:"),
        (["fit", "--resume", "none", "--out", "x"], "--out and --resume:"),
        (
            ["fit", ".", "--model", "", "--out", ""],
            "--model: must not be empty.\n  --out: must",
        ),
        (["fit", ".", "--set", "seed=" + "9" * 5_000], "--set seed: must be a valid integer."),
        (["check", ""], "DATA: must not be empty."),
        (["check"], "Missing argument 'DATA'"),
        (["check", ".", "--set", "data.lable=x"], "data.lable: unknown key. Did you mean 'label'?"),
        (["predict", "run"], "Missing argument 'INPUT...'"),
        (["evaluate"], "Missing argument 'RUN'"),
    ],
)
def test_a_wrong_call_is_named(call: Call, arguments: list[object], message: str) -> None:
    code, out, err = call(*arguments)
    assert message in err
    assert "Traceback" not in err
    assert (code, out) == (2, "")


def test_all_mistakes_of_a_call_are_listed_at_once(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[train]\nclip = -1\n")
    code, _, err = call("fit", ".", "--epochs", 0, "--lr", 2, "--config", file)
    assert code == 2
    assert err == (
        "headstart: run.toml: 3 problems\n"
        "  --epochs: must be greater than or equal to 1. Got 0.\n"
        "  --lr: must be less than 1. Got 2.0.\n"
        "  train.clip: must be greater than or equal to 0. Got -1.\n"
    )


def test_without_arguments_the_commands_are_shown(call: Call) -> None:
    _, out, err = call()
    assert all(command in out + err for command in ("fit", "check", "evaluate", "predict", "demo"))


def test_help_and_version_are_answers(call: Call) -> None:
    assert call("--version") == (0, f"headstart {headstart.__version__}\n", "")
    for command in ("fit", "check", "evaluate", "predict", "demo"):
        code, out, err = call(command, "--help")
        assert (code, err) == (0, "")
        assert f"headstart {command}" in out


def test_a_traceback_is_shown_only_where_asked_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_TRACEBACK", "1")
    code, _, err = call("fit", ".", "--epochs", 0)
    assert code == 2
    assert "Traceback" in err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        "from headstart.cli import main\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'PIL', 'matplotlib', 'timm'}\n"
        "atexit.register(lambda: print('loaded', sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['headstart', *{arguments!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "loaded []\n"
