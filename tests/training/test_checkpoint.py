"""Checkpoints survive what disks and processes do (faults 2, 3, 5, 8, 9, 10)."""

import json
import os
import resource
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy import Fallen, Network, Recorder, make_phases, make_plan, run, same

from headstart.contracts import Notice, Validated
from headstart.durable import write_file_durably
from headstart.errors import CheckpointError, DiskFull, RunFolderError
from headstart.training.checkpoint import Checkpoint, CheckpointFolder, read_checkpoint
from headstart.training.state import TrainState


def make_checkpoint(step: int, *, best: int | None = None, size: int = 8) -> Checkpoint:
    history = tuple(
        Validated(number, "all", number, 0.1 + 0.2, 0.5, 0.3, 0.5, best=number == (best or step))
        for number in range(1, step + 1)
    )
    tensors = {"head.weight": torch.full((size,), float(step))}
    return Checkpoint(
        state=TrainState(micro_batch=4, step=step, history=history),
        identity={"seed": "0"},
        weights=tensors,
        optimiser=tensors,
        average={},
        best=tensors,
        epoch={},
    )


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name[-9:]) for path in folder.iterdir())


def latest_step(folder: Path) -> int:
    found, _ = CheckpointFolder(folder).latest()
    assert found is not None
    assert torch.equal(found.weights["head.weight"], torch.full((8,), float(found.state.step)))
    return found.state.step


def test_a_state_is_the_same_after_json():
    state = TrainState(4, 1, 2, 3, 4, 5, 6, 0.1 + 0.2, make_checkpoint(2).state.history)
    assert TrainState.from_dict(json.loads(json.dumps(state.as_dict()))) == state


def test_the_best_and_the_last_two_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for step in range(1, 7):
        folder.save(make_checkpoint(step, best=min(step, 2)))
    assert steps(tmp_path) == [2, 5, 6]


def test_the_best_weights_are_in_every_checkpoint(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(replace(make_checkpoint(3), best={"head.weight": torch.ones(8)}))
    found, damaged = CheckpointFolder(tmp_path).latest()
    assert damaged == ()
    assert torch.equal(found.best["head.weight"], torch.ones(8))


def falling(monkeypatch: pytest.MonkeyPatch, at: int) -> list[str]:
    """Let the process fall at the n-th change to the file system; gives the changes made so far."""
    made: list[str] = []

    def watched(name):
        real = getattr(os, name)

        def call(*arguments, **more):
            made.append(name)
            if len(made) == at:
                if name == "write":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Fallen
            return real(*arguments, **more)

        return call

    for name in ("mkdir", "open", "write", "fsync", "rename", "replace", "unlink", "rmdir"):
        monkeypatch.setattr(os, name, watched(name))
    return made


def test_whatever_call_of_a_save_is_the_last_one_a_whole_checkpoint_is_found(tmp_path, monkeypatch):
    at, finished = 0, False
    while not finished:
        at += 1
        path = tmp_path / str(at)
        folder = CheckpointFolder(path)
        for step in (1, 2):
            folder.save(make_checkpoint(step))
        with monkeypatch.context() as patch:
            made = falling(patch, at)
            try:
                folder.save(make_checkpoint(3))
                finished = True
            except Fallen:
                pass
        assert latest_step(path) == (3 if finished or "rename" in made[:-1] else 2)
        assert not list(path.glob(".tmp-*"))
    assert at > 20


def test_a_replaced_file_is_the_old_or_the_new_one_whatever_call_is_the_last(tmp_path, monkeypatch):
    path, at, finished = tmp_path / "result.json", 0, False
    while not finished:
        at += 1
        write_file_durably(path, b"old")
        with monkeypatch.context() as patch:
            falling(patch, at)
            try:
                write_file_durably(path, b"new and longer")
                finished = True
            except Fallen:
                pass
        assert path.read_bytes() in (b"old", b"new and longer")
    assert path.read_bytes() == b"new and longer"
    assert at > 5


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero_the_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-10] + bytes(10))


FILES = ("weights.safetensors", "optimiser.safetensors", "best.safetensors", "state.json", "manifest.json")


@pytest.mark.parametrize("damage", [flip_a_bit, cut, empty, zero_the_tail, Path.unlink])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(tmp_path, damage, name):
    folder = CheckpointFolder(tmp_path)
    for step in (1, 2):
        folder.save(make_checkpoint(step))
    damage(tmp_path / "step-000000002" / name)
    found, damaged = CheckpointFolder(tmp_path).latest()
    assert found.state.step == 1
    assert len(damaged) == 1
    assert "step-000000002" in damaged[0]


def test_where_every_checkpoint_is_damaged_nothing_is_begun_anew_in_silence(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for step in (1, 2):
        folder.save(make_checkpoint(step))
        flip_a_bit(tmp_path / f"step-00000000{step}" / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"step-000000002.*step-000000001.*to begin again"):
        CheckpointFolder(tmp_path).latest()


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_and_says_so(tmp_path):
    whole, fallen = Network(), Network()
    run(tmp_path / "whole", whole)
    run(tmp_path / "fallen", fallen)
    newest = max((tmp_path / "fallen" / "checkpoints").iterdir())
    flip_a_bit(newest / "weights.safetensors")
    resumed, recorder = Network(), Recorder()
    run(tmp_path / "fallen", resumed, observers=[recorder])
    notice = recorder.of(Notice)[0]
    assert notice.kind == "resumed"
    assert "damaged" in notice.text
    assert newest.name in notice.text
    assert f"Resumed from step {notice.step}." in notice.text
    assert same(whole, resumed)
    assert read_checkpoint(newest)


def refused(folder: Path, network: Network, **given: object) -> str:
    run(folder, Network())
    with pytest.raises(CheckpointError) as caught:
        run(folder, network, **given)
    return str(caught.value)


def test_a_checkpoint_of_other_classes_is_refused_naming_the_shapes(tmp_path):
    text = refused(tmp_path, Network(classes=5))
    assert "head.weight: shape (3, 6) there, (5, 6) here" in text
    assert "head.bias: shape (3,) there, (5,) here" in text


def test_a_checkpoint_of_another_model_is_refused_naming_missing_and_unexpected_weights(tmp_path):
    other = Network()
    other.head = torch.nn.Sequential(torch.nn.Linear(6, 3))
    text = refused(tmp_path, other)
    assert "head.0.weight: missing there" in text
    assert "head.weight: not expected" in text


def test_a_checkpoint_over_another_backbone_is_refused_although_it_does_not_hold_it(tmp_path):
    assert "pretrained weights" in refused(tmp_path, Network(seed=1))


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    text = refused(tmp_path, Network(), plan=make_plan(make_phases(), seed=3, optimiser={"clip": 2.0}))
    assert "seed: 0 there, 3 here" in text
    assert "optimiser: " in text


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFolderError, match="cannot be written"):
        CheckpointFolder(tmp_path / "file" / "checkpoints")


@pytest.fixture
def small_files():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_finds_no_room_leaves_the_old_checkpoint_and_no_stump(tmp_path, small_files):
    folder = CheckpointFolder(tmp_path)
    folder.save(make_checkpoint(1))
    with pytest.raises(DiskFull, match=r"step-000000002: disk full: need 4\.0 MB, have"):
        folder.save(make_checkpoint(2, size=1_000_000))
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]
    assert latest_step(tmp_path) == 1


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_the_old_checkpoint_and_no_stump(small_disk):
    folder = CheckpointFolder(small_disk)
    folder.save(make_checkpoint(1))
    with pytest.raises(DiskFull, match=r"step-000000002: disk full: need 12\.0 MB, have 8"):
        folder.save(make_checkpoint(2, size=1_000_000))
    assert [path.name for path in small_disk.iterdir()] == ["step-000000001"]
    assert latest_step(small_disk) == 1
    folder.save(make_checkpoint(3))
    assert latest_step(small_disk) == 3


def test_of_a_phase_that_is_over_only_the_best_weights_are_kept_and_the_run_goes_on_the_same(tmp_path):
    once, resumed = Network(), Network()
    run(tmp_path / "once", once)
    answers = iter([None] * 12 + ["interrupted"])  # at the first step of the second phase
    folder = CheckpointFolder(tmp_path / "cut" / "checkpoints")
    folder.cheap = lambda size: False
    run(tmp_path / "cut", Network(), checkpoints=folder, stop=lambda: next(answers))
    saved, _ = CheckpointFolder(folder.path).latest()
    assert saved.weights and not saved.optimiser and not saved.best
    run(tmp_path / "cut", resumed)
    assert same(once, resumed)
