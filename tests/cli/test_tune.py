"""headstart tune: trials are runs, the best one is finished, and a search goes on after its process died."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import send_signal, strike_at

import headstart as hs

Call = Callable[..., tuple[int, str, str]]
FAST = ("--image-size", 32, "--epochs", 2, "--batch-size", 8, "--device", "cpu")


@pytest.fixture(scope="module")
def study(call: Call, shades: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of three trials; only to be read."""
    folder = tmp_path_factory.mktemp("tune") / "study"
    code, printed, said = call("tune", shades, *FAST, "--trials", 3, "--out", folder)
    assert code == 0, said
    assert Path(printed.strip()) == folder / "trials" / f"{read(folder)['best']:04d}"
    return folder


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "tune.json").read_text())
    return found


def test_the_best_trial_is_a_finished_run_with_the_score_that_chose_it(study: Path) -> None:
    found = read(study)
    complete = [trial for trial in found["trials"] if trial["value"] is not None]
    assert len(found["trials"]) == 3 and complete
    best = next(trial for trial in complete if trial["number"] == found["best"])
    assert best["value"] == max(trial["value"] for trial in complete)
    run = hs.Run.open(Path(found["run"]))
    assert run.val.accuracy == pytest.approx(best["value"])
    assert found["expected"]["seen"] == best["value"]
    assert found["expected"]["value"] <= best["value"]
    assert found["test"] == {"n": run.test.n, **run.test.metrics["accuracy"].state()}
    # What is said to be its settings makes the same run.
    request = (run.path / "config.toml").read_text()
    assert all(key.rpartition(".")[2] in request for key in found["settings"])


def test_the_first_trial_is_the_usual_fit_and_only_the_best_has_seen_test_data(study: Path) -> None:
    found = read(study)
    assert found["trials"][0]["settings"] == {}
    evaluated = {path.parent.name for path in study.glob("trials/*/result.json")}
    assert evaluated == {f"{found['best']:04d}"}
    assert {path.parent.name for path in study.glob("trials/*/checkpoints")} <= evaluated
    assert "://" not in (study / "tune.html").read_text()


def test_a_search_goes_on_with_more_trials_and_takes_no_others_place(
    call: Call, shades: Path, study: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(study, tmp_path / "study"))
    code, _, said = call("tune", shades, *FAST, "--out", folder)
    assert code == 2 and "holds a search already" in said
    code, printed, said = call("tune", "--resume", folder, "--trials", 4, "--json")
    assert code == 0, said
    assert [trial["number"] for trial in json.loads(printed)["trials"]] == [0, 1, 2, 3]
    code, _, said = call("tune", shades, "--resume", folder)
    assert code == 2 and "a search has its own request" in said
    code, _, said = call("tune", "--resume", shades)
    assert code == 2 and "holds no search" in said


def test_a_search_goes_on_with_the_trial_in_which_it_was_killed(
    call: Call, shades: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    arguments = ["headstart", "tune", str(shades), *map(str, FAST), "--trials", "2", "--out", str(folder)]
    program = f"""
        import os, signal, sys
        import headstart.training.loop as loop
        count, set_rates = 0, loop.set_rates
        def struck(*arguments):
            global count
            count += 1
            if count == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            set_rates(*arguments)
        loop.set_rates = struck
        sys.argv = {arguments!r}
        from headstart.cli import main
        main()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    journal = folder / "study.journal"
    # Its last words were cut short.
    journal.write_bytes(journal.read_bytes() + b'{"op_code":8,"worker')
    code, printed, said = call("tune", "--resume", folder, "--json")
    assert code == 0, said
    assert "Searched over in 2 trials:" in said and " test examples, what is returned has " in said
    trials = json.loads(printed)["trials"]
    assert [trial["number"] for trial in trials] == [0, 1]
    assert "running" not in {trial["state"] for trial in trials}
    assert trials[0]["settings"] == {}


def test_what_cannot_be_searched_leaves_no_folder(call: Call, shades: Path, tmp_path: Path) -> None:
    code, _, said = call("tune", tmp_path / "nothing", "--out", tmp_path / "study")
    assert code == 2 and "there is no such file or folder" in said
    code, _, said = call("tune", shades, "--technique", "linear-probe", "--out", tmp_path / "study")
    assert code == 2 and "there is nothing to search over" in said
    code, _, said = call("tune", shades, *FAST, "--storage", "bad", "--out", tmp_path / "study")
    assert code == 2 and "--storage bad: cannot be opened" in said
    assert not (tmp_path / "study").exists()


def test_a_signal_says_how_to_go_on(
    call: Call, shades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    with monkeypatch.context() as patch:
        strike_at(patch, "headstart.training.loop.set_rates", 3, send_signal(signal.SIGTERM))
        code, _, said = call("tune", shades, *FAST, "--trials", 1, "--out", folder)
    assert code == 143
    assert f"headstart tune --resume {folder}" in said
    code, printed, said = call("tune", "--resume", folder, "--trials", 1, "--json")
    assert code == 0, said
    assert [trial["state"] for trial in json.loads(printed)["trials"]] == ["complete"]


def test_a_time_limit_too_short_for_a_trial_leaves_a_model(call: Call, shades: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    code, printed, said = call(
        "tune", shades, "--image-size", 32, "--device", "cpu", "--time-limit", "8s", "--out", folder
    )
    assert code == 0, said
    assert hs.load(Path(printed.strip())).labels == ("cold", "warm")


def test_settings_that_cannot_be_trained_with_fail_a_trial_and_not_the_search(
    call: Call, shades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.errors import NonFiniteLoss

    with monkeypatch.context() as patch:
        strike_at(patch, "headstart.steps.study.learned", 2, NonFiniteLoss("The loss is NaN."))
        code, printed, said = call(
            "tune", shades, *FAST, "--trials", 2, "--out", tmp_path / "study", "--json"
        )
    assert code == 0, said
    assert [trial["state"] for trial in json.loads(printed)["trials"]] == ["complete", "fail"]
    assert "trial 1: failed" in said


@pytest.mark.slow
def test_two_processes_share_a_search(shades: Path, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "study"
    code, _, said = call("tune", shades, *FAST, "--trials", 1, "--out", folder)
    assert code == 0, said
    finished = set(folder.rglob("result.json"))
    command = [sys.executable, "-m", "headstart", "tune", "--resume", str(folder), "--trials", "5"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    said_there = [process.communicate(timeout=600)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said_there
    states = [trial["state"] for trial in read(folder)["trials"]]
    # Both may begin the last one at once.
    assert 5 <= len(states) <= 6 and set(states) <= {"complete", "pruned"}
    # Each waits for what the other still does, so that both finish the same trial.
    assert len(set(folder.rglob("result.json")) - finished) <= 1
