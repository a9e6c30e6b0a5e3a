"""Files that are none of ours, damaged, newer, read-only or without room: one sentence each, nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import DiskFull, Held, RequestError, RunError
from headstart.records import database
from headstart.records.records import Records
from headstart.records.schema import FORMAT
from headstart.records.values import Bounds, Predicted

Make = Callable[..., Predicted]


def fill(file: Path, predicted: Make, count: int = 300) -> None:
    with Records(file) as records:
        records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
        records.set_alias("champion", 1, why="the first")
        records.add_predictions([predicted(number, input=b"%d" % number) for number in range(count)])
        for number in range(0, count, 3):
            records.add_feedback(f"p{number}", ["bee"])


def everything(records: Records) -> None:
    records.versions(), records.aliases(), records.history("champion")
    records.feedback(), records.windows(), records.decisions()
    for row in records.predictions():
        records.input_of(row.id)


@pytest.mark.parametrize(
    "content", [b"x", b"path,label\na.jpg,ant\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(10_000), bytes(5000)]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(RequestError, match=r"records.sqlite: .*file is not a database"):
        Records(file)
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE versions (number)")
    connection.commit()
    connection.close()
    content = file.read_bytes()
    with pytest.raises(RequestError, match="a database, but no records of headstart"):
        Records(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("found", "said"),
    [(FORMAT + 1, rf"this headstart reads up to {FORMAT}. Install"), (FORMAT - 1, "of an older headstart")],
)
def test_another_format_is_refused_and_left_alone(file: Path, predicted: Make, found: int, said: str) -> None:
    fill(file, predicted)
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {found}")
    connection.close()
    content = file.read_bytes()
    with pytest.raises(RequestError, match=rf"has format {found}.*{said}"):
        Records(file)
    assert file.read_bytes() == content


def test_a_file_that_is_to_be_there_and_is_not_is_told_and_not_made(file: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        Records(file.parent / "typo" / "records.sqlite", create=False)
    assert list(file.parent.iterdir()) == []
    with Records(file.parent / "new" / "records.sqlite") as records:
        assert records.versions() == ()
    with Records(records.path, create=False) as again:
        assert again.versions() == ()


@pytest.mark.parametrize("in_place_of", ["file", "folder"])
def test_what_stands_in_place_of_the_file_or_its_folder_is_told(tmp_path: Path, in_place_of: str) -> None:
    file = tmp_path / "service" / "records.sqlite"
    if in_place_of == "file":
        file.mkdir(parents=True)
    else:
        file.parent.write_text("a file")
    with pytest.raises(RequestError, match=r"records.sqlite: cannot be written"):
        Records(file)


def test_an_empty_file_is_begun_as_one_that_is_missing(file: Path) -> None:
    file.touch()
    with Records(file) as records:
        assert records.versions() == ()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_file_that_is_cut_short_is_told(file: Path, predicted: Make, share: float) -> None:
    fill(file, predicted)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with (
        pytest.raises(RequestError, match=r"records.sqlite: .*(damaged|not a database)"),
        Records(file) as records,
    ):
        everything(records)


def test_damage_anywhere_is_told_or_changes_a_value_and_never_more(file: Path, predicted: Make) -> None:
    fill(file, predicted)
    content = file.read_bytes()
    generator = np.random.default_rng(0)
    told = 0
    for _ in range(80):
        damaged = bytearray(content)
        begin = int(generator.integers(len(content) - 64))
        damaged[begin : begin + 64] = generator.bytes(64)
        file.write_bytes(damaged)
        try:
            with Records(file) as records:
                everything(records)
                records.add_feedback("p1", ["ant"])
        except RequestError as error:
            told += 1
            assert str(file) in str(error)
        for sidecar in file.parent.glob("records.sqlite-[ws]*"):
            sidecar.unlink()
    assert told > 15


def test_a_file_that_was_closed_is_not_used_again(file: Path) -> None:
    records = Records(file)
    records.close()
    records.close()
    with pytest.raises(ValueError, match="is closed"):
        records.versions()


def test_who_waits_too_long_for_another_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    with Records(file) as records:
        foreign = sqlite3.connect(file, isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(Held, match="another process is using it"):
            records.add_version("/a", "1", task="t", labels=[])
        assert records.versions() == ()
        foreign.execute("ROLLBACK")
        foreign.close()
        assert records.add_version("/a", "1", task="t", labels=[]).number == 1


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs a right that this user lacks")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_costs_nothing_that_was_written(disk: Path, predicted: Make) -> None:
    written = 0
    with Records(disk / "records.sqlite") as records:
        records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
        with pytest.raises(DiskFull, match=r"disk full: need 1\.0 MB, have 0"):
            while True:
                records.add_predictions([predicted(written, input=os.urandom(3000))])
                written += 1
        assert written > 100
        for _ in range(3):
            with pytest.raises(DiskFull):
                records.add_predictions([predicted(written, input=os.urandom(10_000_000))])
        assert len(records.predictions()) == written
    with Records(disk / "records.sqlite") as records:
        assert [row.id for row in records.predictions()] == [f"p{number}" for number in range(written)]
        assert records.input_of("p0") is not None


def test_records_with_smaller_bounds_go_on_where_the_disk_was_filled_by_another(
    disk: Path, predicted: Make
) -> None:
    with Records(disk / "records.sqlite", Bounds(predictions=20)) as records:
        records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
        records.add_predictions([predicted(number) for number in range(20)])
        room = disk / "other"
        with pytest.raises(OSError), room.open("wb", buffering=0) as other:
            while True:
                other.write(bytes(10_000))
        with pytest.raises(DiskFull):
            records.add_predictions([predicted(20, input=os.urandom(1_000_000))])
        room.unlink()
        records.add_predictions([predicted(20, input=os.urandom(1_000_000))])
        assert [row.id for row in records.predictions()] == [f"p{number}" for number in range(1, 21)]


def test_no_records_are_begun_on_a_full_disk(disk: Path) -> None:
    with pytest.raises(OSError), (disk / "other").open("wb", buffering=0) as other:
        while True:
            other.write(bytes(1000))
    with pytest.raises(DiskFull):
        Records(disk / "records.sqlite")
    (disk / "other").unlink()
    with Records(disk / "records.sqlite") as records:
        assert records.versions() == ()


def remount(disk: Path) -> None:
    """Make it one that is only read."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def test_a_disk_that_is_read_only_is_told(disk: Path, predicted: Make) -> None:
    file = disk / "records.sqlite"
    fill(file, predicted, count=20)
    remount(disk)
    with pytest.raises(RequestError, match=r"cannot be written \(Read-only file system\). Choose a folder"):
        Records(file)


@pytest.mark.parametrize("killed", [False, True])
def test_records_that_may_only_be_read_are_read_whole(
    file: Path, disk: Path, predicted: Make, killed: bool
) -> None:
    fill(file, predicted, count=10)
    with Records(file) as records:
        records.add_predictions([predicted(number) for number in range(10, 20)])
        if not killed:
            records.close()
        for part in file.parent.glob("records.sqlite*"):
            shutil.copy(part, disk)
    assert (disk / "records.sqlite-wal").exists() == killed
    remount(disk)
    with Records(disk / file.name, create=False) as records:
        assert [row.id for row in records.predictions()] == [f"p{number}" for number in range(20)]
        everything(records)
        with pytest.raises(RequestError, match=r"cannot be written \(Read-only file system\)"):
            records.add_predictions([predicted(20)])


def test_a_log_that_cannot_be_read_for_want_of_its_index_is_told_and_not_passed_over(
    file: Path, disk: Path, predicted: Make
) -> None:
    with Records(file) as records:
        records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
        for end in ("", "-wal"):
            shutil.copy(f"{file}{end}", disk)
    remount(disk)
    with pytest.raises(RequestError, match=r"a part of it is in its log still. Copy the folder to where"):
        Records(disk / file.name, create=False)


@pytest.mark.parametrize("content", [b"", b"path,label\na.jpg,ant\n" * 50])
def test_what_is_no_records_is_refused_where_it_may_only_be_read(disk: Path, content: bytes) -> None:
    (disk / "records.sqlite").write_bytes(content)
    remount(disk)
    with pytest.raises(RequestError, match=r"no records of headstart"):
        Records(disk / "records.sqlite", create=False)


def test_a_limit_on_the_size_of_files_is_said(file: Path, predicted: Make) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Records(file) as records:
        records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
        records.add_predictions([predicted(0)])
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
            with pytest.raises(RunError, match=r"records.sqlite: "):
                records.add_predictions([predicted(1, input=os.urandom(500_000))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        records.add_predictions([predicted(1, input=os.urandom(500_000))])
        assert len(records.predictions()) == 2


@pytest.fixture
def read_only(file: Path) -> Iterator[Path]:
    """The file of records, in another place where it may only be read."""
    place = file.parent / "read-only"
    place.mkdir()
    if subprocess.run(["mount", "--bind", file.parent, place], capture_output=True, check=False).returncode:
        pytest.skip("showing a folder in two places needs a right that this user lacks")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield place / file.name
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("in_use", [False, True])
def test_records_that_may_only_be_read_show_what_others_wrote_since(
    file: Path, read_only: Path, predicted: Make, in_use: bool
) -> None:
    fill(file, predicted, count=10)
    with Records(read_only, create=False) as reading:
        assert len(reading.predictions()) == 10
        with Records(file) as writing:
            writing.add_predictions([predicted(number) for number in range(10, 300)])
            if not in_use:
                writing.close()
            assert [row.id for row in reading.predictions()] == [f"p{number}" for number in range(300)]
            everything(reading)
