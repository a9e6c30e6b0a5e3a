"""A disk that becomes full at any stage of a fit (faults 5 and 6)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from faults import differing, strike_at

from headstart.training.checkpoint import read_checkpoint

Fit = Callable[..., tuple[int, str, str]]
Disk = Callable[[str], Path]
SAVE = "headstart.training.checkpoint.CheckpointFolder.save"
FULL = re.compile(r"headstart: (\S+): disk full: need \d+\.\d MB, have \d+\.\d MB\. Free some space;")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Makes a small disk of its own; grows it where it is there."""
    place = tmp_path / "disk"

    def make(size: str) -> Path:
        options = f"size={size}" if not place.exists() else f"remount,size={size}"
        place.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("only root may mount a disk")
        return place

    yield make
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def fill(place: Path) -> None:
    """Leave no room on a disk."""
    with suppress(OSError), (place / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))


def refused(answer: tuple[int, str, str]) -> str:
    """The file for which there was no room."""
    code, printed, said = answer
    found = FULL.search(said)
    assert (code, printed, "Traceback" in said) == (1, "", False), said
    assert found, said
    return found[1]


def test_a_checkpoint_for_which_there_is_no_room_leaves_the_one_before(
    fit: Fit, whole: Path, disk: Disk
) -> None:
    run = disk("18m") / "run"  # Of a phase that is over 11 MB are kept.
    refused_folder = Path(refused(fit("--out", run)))
    assert refused_folder.parent == run / "checkpoints"
    (left,) = (run / "checkpoints").iterdir()
    assert read_checkpoint(left).state.step < int(refused_folder.name.removeprefix("step-"))
    disk("400m")
    assert fit("--resume", run)[0] == 0
    assert differing(run, whole) == []


def test_a_bundle_for_which_there_is_no_room_is_not_there(fit: Fit, disk: Disk) -> None:
    run = disk("8m") / "run"
    assert refused(fit("--technique", "linear-probe", "--out", run)) == f"{run}/model"
    assert not (run / "model").exists()
    disk("40m")
    assert fit("--resume", run)[0] == 0
    assert (run / "result.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("headstart.steps.record.predictions_csv", "predictions/test.csv"),
        ("headstart.steps.record.model_card", "model/README.md"),
        ("headstart.steps.record.report_page", "report.html"),
        ("headstart.artifact.run.write_file_durably", "data.json"),
        (SAVE, "checkpoints/step-000000004"),
    ],
)
def test_whatever_there_is_no_room_for_is_named_and_comes_with_the_next_try(
    fit: Fit, whole: Path, disk: Disk, place: str, file: str
) -> None:
    small = disk("400m")
    run = small / "run"
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, place, 1, lambda: fill(small))
        assert refused(fit("--out", run)) == f"{run}/{file}"
    assert not (run / file).exists()
    (small / "filler").unlink()
    assert fit("--resume", run)[0] == 0
    assert differing(run, whole) == []


@pytest.mark.slow
def test_a_disk_that_is_full_before_the_run_has_begun_leaves_nothing(fit: Fit, disk: Disk) -> None:
    small = disk("8m")
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, "headstart.steps.fitting.begin_record", 1, lambda: fill(small))
        assert refused(fit("--out", small / "run")) == f"{small}/run/config.toml"
    assert [path.name for path in small.iterdir()] == ["filler"]
    fill(small)
    code, _, said = fit("--out", small / "run")
    assert code == 2, said
    assert f"{small}/run: cannot be written (No space left on device)." in said
    assert [path.name for path in small.iterdir()] == ["filler"]


@pytest.mark.slow
def test_a_file_of_events_for_which_there_is_no_room_stops_nothing(fit: Fit, whole: Path, disk: Disk) -> None:
    small = disk("400m")
    run = small / "run"
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, "headstart.training.loop.set_rates", 5, lambda: fill(small))
        strike_at(patch, SAVE, 2, (small / "filler").unlink)
        code, _, said = fit("--out", run)
    assert code == 0, said
    assert differing(run, whole) == []
