"""Kills, damage and full disks: what is left on a shelf is whole, and the rest is only missing."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from headstart.errors import CacheError, DiskFull
from headstart.store.cache import Cache
from headstart.store.shelf import Shelf

KEYS = [str(place) for place in range(200)]
DESCRIPTION = {"kind": "killed"}
Open = Callable[[], Shelf]

# Writes rows whose values tell their keys, from a first key on, and says when it begins.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from headstart.store import writer
from headstart.store.cache import Cache

writer.SEGMENT_BYTES = 1 << 16
shelf = Cache(Path(sys.argv[1]), limit=10**9).shelf({"kind": "killed"})
first, last = int(sys.argv[2]), int(sys.argv[3])
print("begun", flush=True)
with shelf.writing() as rows:
    for number in range(first, last):
        rows.add(str(number), {"x": np.full((number % 40, 50), number), "y": np.full(9, -number)})
"""


def segments(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.glob("*.safetensors"))


def write(shelf: Shelf, numbers: np.ndarray, places: list[int]) -> None:
    with shelf.writing() as writer:
        for place in places:
            writer.add(KEYS[place], {"x": numbers[place]})


def is_whole(shelf: Shelf, keys: list[str]) -> bool:
    """Whether every row that is there has the values of its key."""
    absent = set(shelf.missing(keys))
    there = [int(key) for place, key in enumerate(keys) if place not in absent]
    rows = {number: shelf.row(str(number)) for number in there}
    return all(
        row["x"].shape == (number % 40, 50) and (row["x"] == number).all() and (row["y"] == -number).all()
        for number, row in rows.items()
    )


def start(root: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(root), str(first), str(last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_writer_that_is_killed_leaves_whole_rows_only(cache: Cache) -> None:
    keys = [str(number) for number in range(100_000)]
    generator = np.random.default_rng(0)
    there = 0
    for _ in range(6):
        with start(cache.root, there, len(keys)) as process:
            time.sleep(generator.uniform(0.01, 0.3))
            process.send_signal(signal.SIGKILL)
        shelf = cache.shelf(DESCRIPTION)
        assert not list(shelf.folder.glob(".tmp-*"))
        assert is_whole(shelf, keys)
        assert shelf.damaged == ()
        left = shelf.missing(keys)
        assert left == list(range(len(keys) - len(left), len(keys)))
        there = left[0]
        del shelf
    assert there > 0


def test_several_processes_may_fill_one_shelf(cache: Cache) -> None:
    writers = [start(cache.root, first, first + 2000) for first in (0, 1000, 1000)]
    shelf = cache.shelf(DESCRIPTION)
    for process in writers:
        with process:
            pass
        assert process.returncode == 0
    keys = [str(number) for number in range(3000)]
    assert shelf.missing(keys) == []
    assert is_whole(shelf, keys)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_a_flipped_bit_makes_the_rows_of_its_file_missing(
    filled: Shelf, again: Open, numbers: np.ndarray, share: float
) -> None:
    file = segments(filled)[2]
    content = bytearray(file.read_bytes())
    content[round(share * (len(content) - 1))] ^= 1
    file.write_bytes(content)
    shelf = again()
    lost = list(range(60, 90))
    assert shelf.missing(KEYS) == lost
    assert shelf.damaged == (file.name,)
    assert not file.exists()
    write(shelf, numbers, lost)
    np.testing.assert_array_equal(shelf.rows("x", KEYS)[:], numbers)


@pytest.mark.parametrize("size", [0, 3, 8, 60, 200, 1000, -1])
def test_a_file_that_is_cut_short_or_too_long_is_removed(filled: Shelf, again: Open, size: int) -> None:
    first, *_, last = segments(filled)
    content = first.read_bytes()
    first.write_bytes(content[:size])
    last.write_bytes(last.read_bytes() + b"0")
    shelf = again()
    assert shelf.missing(KEYS) == [*range(30), *range(180, 200)]
    assert set(shelf.damaged) == {first.name, last.name}
    assert not first.exists() and not last.exists()


def test_damage_is_found_by_whoever_reads_first(filled: Shelf, again: Open, numbers: np.ndarray) -> None:
    file = segments(filled)[0]
    content = bytearray(file.read_bytes())
    content[-1] ^= 128
    file.write_bytes(content)
    shelf = again()
    np.testing.assert_array_equal(shelf.row("100")["x"], numbers[100])
    with pytest.raises(KeyError, match="missing"):
        shelf.rows("x", ["100", "0"])
    assert shelf.damaged == (file.name,)


def test_damage_that_cannot_be_removed_is_passed_over(
    filled: Shelf, again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(path)

    flipped, cut, *_ = segments(filled)
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    shelf = again()
    monkeypatch.setattr(Path, "unlink", refuse)
    for _ in range(2):
        assert shelf.missing(KEYS) == list(range(60))
        assert set(shelf.damaged) == {flipped.name, cut.name}
        assert len(shelf.damaged) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a segment",
        save({"x": np.zeros(3)}, metadata={"format": "pt"}),
        (2).to_bytes(8, "little") + b"[]",
        (2**63).to_bytes(8, "little") + b"{}",
        (17).to_bytes(8, "little") + b'{"keys":{"a": 1}}',
    ],
)
@pytest.mark.parametrize("named_as_one", [False, True])
def test_a_foreign_file_is_no_segment(
    filled: Shelf, again: Open, numbers: np.ndarray, content: bytes, named_as_one: bool
) -> None:
    name = f"{'1' * 20}-00000000-3-00000000.safetensors" if named_as_one else "model.safetensors"
    (filled.folder / name).write_bytes(content)
    (filled.folder / "notes.txt").write_text("mine")
    (filled.folder / "folder").mkdir()
    shelf = again()
    np.testing.assert_array_equal(shelf.rows("x", KEYS)[:], numbers)
    assert shelf.missing(["new"]) == [0]
    assert shelf.damaged == (name,)
    assert not (filled.folder / name).exists()
    assert (filled.folder / "notes.txt").exists()


def test_a_full_disk_is_said_and_leaves_what_was_written(
    shelf: Shelf, again: Open, numbers: np.ndarray, small_segments: None
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with shelf.writing() as writer:
        writer.add("0", {"x": numbers[0]})
    try:
        with pytest.raises(DiskFull, match="disk full: need"), shelf.writing() as writer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
            for place, row in enumerate(numbers):
                writer.add(KEYS[place], {"x": row})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert again().missing(KEYS) == list(range(1, 200))
    assert len(segments(shelf)) == 1
    assert not list(shelf.folder.glob(".tmp-*"))


def test_a_folder_that_cannot_be_written_is_said(shelf: Shelf, numbers: np.ndarray) -> None:
    with pytest.raises(CacheError, match=r"cannot be written \(Not a directory\)"), shelf.writing() as writer:
        writer.add("0", {"x": numbers[0]})
        for file in shelf.folder.iterdir():
            file.unlink()
        shelf.folder.rmdir()
        shelf.folder.write_text("in its place")
