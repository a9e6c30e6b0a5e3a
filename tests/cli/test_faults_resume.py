"""What a run is resumed from: damaged checkpoints, other data, other settings, locks (faults 8 to 13)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import differing, flip_byte
from PIL import Image

Answer = tuple[int, str, str]
Fit = Callable[..., Answer]


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    """A run that was stopped."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def checkpoints(run: Path) -> list[Path]:
    """Oldest first."""
    return sorted((run / "checkpoints").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["weights.safetensors", "optimiser.safetensors", "state.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", [flip_byte, lambda path: path.write_bytes(b""), Path.unlink])
def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(
    fit: Fit, whole: Path, run: Path, name: str, damage: Callable[[Path], None]
) -> None:
    newest = checkpoints(run)[-1]
    damage(newest / name)
    code, _, said = fit("--resume", run)
    assert code == 0
    assert str(newest) in said
    assert "Resumed from step 4." in said
    assert differing(run, whole) == []


def test_where_every_checkpoint_is_damaged_the_run_is_refused(fit: Fit, run: Path) -> None:
    for checkpoint in checkpoints(run):
        flip_byte(checkpoint / "weights.safetensors")
    code, printed, said = fit("--resume", run)
    assert (code, printed, "Traceback" in said) == (1, "", False)
    assert all(f"{checkpoint}/weights.safetensors: damaged" in said for checkpoint in checkpoints(run))
    assert f"Remove {run}/checkpoints to begin again." in said


def test_a_damaged_bundle_is_refused(
    call: Callable[..., Answer], whole: Path, shades: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(whole / "model", tmp_path / "model"))
    flip_byte(model / "weights.safetensors")
    code, printed, said = call("predict", model, shades / "warm" / "00.png")
    assert (code, printed) == (1, "")
    assert f"{model}/weights.safetensors: damaged: sha256 is " in said


def test_other_settings_are_refused_and_listed(fit: Fit, run: Path) -> None:
    config = run / "config.toml"
    config.write_text(config.read_text().replace("seed = 5", "seed = 1"))
    code, printed, said = fit("--resume", run, "--epochs", 5, "--model", "builtin:efficientnet-lite1")
    assert (code, printed) == (2, "")
    assert "model.name: was 'not set', now 'builtin:efficientnet-lite1'." in said
    assert "seed: was 5, now 1." in said
    assert "train.epochs: was 3, now 5." in said


def test_changed_data_is_refused(fit: Fit, run: Path, shades: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(shades, tmp_path / "data"))
    Image.new("RGB", (48, 48), (140, 120, 120)).save(data / "warm" / "more.png")
    code, printed, said = fit(data, "--resume", run)
    assert (code, printed) == (2, "")
    assert f"{data}: the data changed since this run began" in said
    assert "--allow-data-change" in said


@pytest.mark.slow
def test_changed_data_is_allowed_where_that_is_asked_for(
    fit: Fit, run: Path, shades: Path, tmp_path: Path
) -> None:
    before = json.loads((run / "data.json").read_text())["splits"]
    data = Path(shutil.copytree(shades, tmp_path / "data"))
    (data / before["train"][0]).unlink()
    Image.new("RGB", (48, 48), (140, 120, 120)).save(data / "warm" / "more.png")
    code, _, said = fit(data, "--resume", run, "--allow-data-change")
    assert code == 0, said
    after = json.loads((run / "data.json").read_text())["splits"]
    assert after == {**before, "train": before["train"][1:]}


HOLD = """
import sys
from pathlib import Path
from headstart.artifact.run import unfinished_run
with unfinished_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_has_one_writer_and_the_lock_of_a_killed_one_is_taken_over(
    fit: Fit, call: Callable[..., Answer], whole: Path, run: Path, shades: Path
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    for arguments in (["--resume", run], [shades, "--out", run]):
        code, printed, said = call("fit", *arguments)
        assert (code, printed) == (2, "")
        assert f"{run}: process {holder.pid} on {socket.gethostname()} is writing here." in said
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert (run / "run.lock").exists()
    assert fit("--resume", run)[0] == 0
    assert not (run / "run.lock").exists()
    assert differing(run, whole) == []


def test_a_finished_run_is_neither_resumed_nor_overwritten(fit: Fit, whole: Path) -> None:
    for arguments, message in ((["--resume", whole], "is finished"), (["--out", whole], "a finished run")):
        code, printed, said = fit(*arguments)
        assert (code, printed) == (2, "")
        assert message in said
