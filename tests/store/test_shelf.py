"""What is put on a shelf is found there, whole, by whoever asks."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from headstart.contracts import Rows
from headstart.errors import CacheError
from headstart.store.cache import Cache
from headstart.store.shelf import Row, Shelf

KEYS = [str(place) for place in range(200)]
Open = Callable[[], Shelf]


def equal(row: Row, other: Row) -> bool:
    return row.keys() == other.keys() and all(
        row[name].dtype == other[name].dtype
        and row[name].shape == other[name].shape
        and bool((row[name] == other[name]).all())
        for name in row
    )


def segments(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.glob("*.safetensors"))


def varied(count: int) -> list[dict[str, np.ndarray]]:
    """Rows of texts and pictures: lengths, sizes, axes, types and fields differ."""
    generator = np.random.default_rng(1)
    rows: list[dict[str, np.ndarray]] = []
    for number in range(count):
        length = int(generator.integers(0, 9))
        text = {
            "ids": generator.integers(0, 1000, length),
            "mask": generator.random(length) < 0.5,
            "activation": generator.standard_normal((length, 6)).astype(np.float16),
        }
        size = generator.integers(1, 9, 2)
        grey = {"pixels": generator.integers(0, 256, size, np.uint8), "width": np.array(number)}
        colour = {"pixels": generator.integers(0, 256, (*size, 3), np.uint8), "width": np.array(number)}
        rows += [text, grey, colour]
    return rows


@pytest.mark.usefixtures("small_segments")
def test_rows_of_any_shape_come_back_as_they_were(shelf: Shelf, again: Open) -> None:
    rows = varied(100)
    with shelf.writing() as writer:
        for number, row in enumerate(rows):
            writer.add(f"row {number}", row)
    for reader in (shelf, again()):
        assert all(equal(reader.row(f"row {number}"), row) for number, row in enumerate(rows))
    assert len(segments(shelf)) > 3


@pytest.mark.parametrize(
    "places",
    [
        slice(None),
        slice(20, 160),
        slice(150, 10, -7),
        [3],
        [199, 0, 0, -1, 17, 18, 19, 100],
        [],
        (5, 4),
        np.random.default_rng(0).permutation(200),
        np.arange(200) % 3 == 0,
    ],
    ids=["all", "some", "back", "one", "any", "none", "tuple", "shuffled", "mask"],
)
def test_a_field_is_read_as_an_array_would_be(
    filled: Shelf, again: Open, numbers: np.ndarray, places: slice | tuple[int, ...] | list[int] | np.ndarray
) -> None:
    there: Rows = numbers
    chosen = list(places) if isinstance(places, tuple) else places
    for shelf in (filled, again()):
        rows = shelf.rows("x", KEYS)
        assert len(rows) == len(there)
        assert rows[places].dtype == there[chosen].dtype
        np.testing.assert_array_equal(rows[places], there[chosen])


def test_a_field_is_read_in_the_order_of_its_keys(filled: Shelf, numbers: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(200)
    rows = filled.rows("x", [KEYS[place] for place in order])
    np.testing.assert_array_equal(rows[:], numbers[order])


def test_rows_that_happen_to_be_alike_are_a_field_although_others_differ(shelf: Shelf) -> None:
    with shelf.writing() as writer:
        for number in range(9):
            writer.add(str(number), {"x": np.full(number % 3, number)})
    np.testing.assert_array_equal(shelf.rows("x", ["2", "8", "5"])[:], [[2, 2], [8, 8], [5, 5]])
    with pytest.raises(ValueError, match=r"'x' must have one type and shape.*int64 \(1,\), int64 \(2,\)"):
        shelf.rows("x", ["1", "2"])


def test_rows_of_nothing_are_rows(shelf: Shelf) -> None:
    with shelf.writing() as writer:
        for key in ("1", "2"):
            writer.add(key, {"x": np.zeros((0, 4), np.float32)})
    assert shelf.rows("x", ["1", "2", "1"])[[0, 2]].shape == (2, 0, 4)
    assert shelf.row("1")["x"].shape == (0, 4)


def test_what_is_missing_is_said_once_for_each_key(filled: Shelf, again: Open) -> None:
    asked = ["new", "3", "other", "new", "199", "200"]
    for shelf in (filled, again()):
        assert shelf.missing(asked) == [0, 2, 5]
        assert shelf.missing(KEYS) == shelf.missing([]) == []


def test_every_key_is_told_apart(shelf: Shelf, again: Open) -> None:
    # Some of so many end in a byte of zero when they are digested, which arrays of bytes drop.
    keys = [f"{number}\ud800é" for number in range(3000)]
    with shelf.writing() as writer:
        for number, key in enumerate(keys):
            writer.add(key, {"x": np.array([number])})
    reader = again()
    assert reader.missing(keys) == []
    assert reader.missing([f"{key} " for key in keys]) == list(range(3000))
    np.testing.assert_array_equal(reader.rows("x", keys)[:][:, 0], np.arange(3000))


def test_what_a_row_was_made_from_may_change_afterwards(shelf: Shelf) -> None:
    batch = np.zeros((4, 3))
    with shelf.writing() as writer:
        for number in range(4):
            batch[:] = number
            writer.add(str(number), {"x": batch[number]})
    assert shelf.rows("x", list("0123"))[:][:, 0].tolist() == [0, 1, 2, 3]


def test_a_row_cannot_be_written_to(filled: Shelf) -> None:
    with pytest.raises(ValueError, match="read-only"):
        filled.row("0")["x"][0] = 1


@pytest.mark.usefixtures("small_segments")
def test_of_equal_keys_the_first_stays(shelf: Shelf, again: Open) -> None:
    for value in range(3):
        with again().writing() as writer:
            for _ in range(2):
                writer.add("key", {"x": np.array(value)})
    assert shelf.row("key")["x"] == again().row("key")["x"] == 0
    assert len(segments(shelf)) == 1


def test_two_that_write_the_same_at_once_do_no_harm(shelf: Shelf, again: Open) -> None:
    with shelf.writing() as one, again().writing() as other:
        one.add("key", {"x": np.array(1)})
        other.add("key", {"x": np.array(1)})
        other.add("more", {"x": np.array(2)})
    assert len(segments(shelf)) == 2
    assert [shelf.row(key)["x"] for key in ("key", "more")] == [1, 2]


def test_rows_that_another_wrote_meanwhile_are_found(shelf: Shelf, again: Open) -> None:
    assert shelf.missing(["key"]) == [0]
    with again().writing() as writer:
        writer.add("key", {"x": np.array(1)})
    assert shelf.missing(["key"]) == []


@pytest.mark.usefixtures("small_segments")
def test_threads_may_write_and_read_at_once(shelf: Shelf) -> None:
    def add(number: int) -> bool:
        key = str(number % 300)
        writer.add(key, {"x": np.full(50, number % 300)})
        absent = shelf.missing([key])
        return bool(absent) or shelf.row(key)["x"][0] == number % 300

    with shelf.writing() as writer, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(add, range(900)))
    values = shelf.rows("x", [str(number) for number in range(300)])[:]
    np.testing.assert_array_equal(values[:, 0], np.arange(300))


def test_after_an_exception_whole_segments_stay_and_nothing_else(
    shelf: Shelf, again: Open, numbers: np.ndarray, small_segments: None
) -> None:
    with pytest.raises(ZeroDivisionError), shelf.writing() as writer:
        for place, row in enumerate(numbers):
            writer.add(str(place), {"x": row})
            if place == 100:
                raise ZeroDivisionError
    # Thirty rows of 140 bytes make a segment.
    assert again().missing(KEYS) == shelf.missing(KEYS) == list(range(90, 200))
    assert {file.suffix for file in shelf.folder.iterdir()} == {".safetensors", ".json", ""}


def test_what_is_asked_for_wrongly_is_refused(filled: Shelf) -> None:
    with pytest.raises(KeyError, match="2 of 3 rows are missing, the first is 'b'"):
        filled.rows("x", ["0", "b", "c"])
    with pytest.raises(KeyError, match="'b'"):
        filled.row("b")
    with pytest.raises(ValueError, match="there are: none"):
        filled.rows("x", [])
    with pytest.raises(KeyError, match="y"):
        filled.rows("y", ["0"])
    with pytest.raises(ValueError, match="x: arrays of <U1 cannot be kept"), filled.writing() as writer:
        writer.add("text", {"x": np.array(["a"])})


def test_rows_of_few_files_stay_readable_when_the_folder_is_gone(filled: Shelf, numbers: np.ndarray) -> None:
    rows = filled.rows("x", KEYS)
    for file in filled.folder.iterdir():
        file.unlink()
    filled.folder.rmdir()
    del filled
    gc.collect()
    np.testing.assert_array_equal(rows[::-1], numbers[::-1])


def test_rows_of_many_files_that_are_gone_are_said_and_how_to_go_on(shelf: Shelf) -> None:
    keys = [str(number) for number in range(80)]
    for number, key in enumerate(keys):
        with shelf.writing() as writer:
            writer.add(key, {"x": np.full(4, number)})
    rows = shelf.rows("x", keys)
    shutil.rmtree(shelf.folder)
    for read in (lambda: rows[:], lambda: [shelf.row(key) for key in keys]):
        with pytest.raises(CacheError, match=r"can no longer be read \(No such file or directory\)\. Begin"):
            read()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("megabytes", [150, pytest.param(600, marks=pytest.mark.slow)])
def test_reading_a_large_shelf_takes_no_memory(tmp_path: Path, megabytes: int) -> None:
    program = """
import os, sys
from pathlib import Path
import numpy as np
from headstart.store.cache import Cache

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

cache = Cache(Path(sys.argv[1]), limit=10**9)
count = int(sys.argv[2])
keys = [str(number) for number in range(count)]
with cache.shelf({}).writing() as writer:
    for number, key in enumerate(keys):
        writer.add(key, {"x": np.full(250_000, number, np.float32)})
before = most = resident()
shelf = cache.shelf({})
assert shelf.missing(keys) == []
rows = shelf.rows("x", keys)
for order in (np.arange(count), np.random.default_rng(0).permutation(count)):
    for start in range(0, count, 8):
        places = order[start : start + 8]
        assert (rows[places][:, 0] == places).all()
        most = max(most, resident())
print(most - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(megabytes)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 50


def test_a_shelf_is_told_by_its_description(cache: Cache) -> None:
    shelf = cache.shelf({"a": 1, "b": [1, 2]})
    assert cache.shelf({"b": (1, 2), "a": 1}).folder == shelf.folder
    assert cache.shelf({"a": 1, "b": [2, 1]}).folder != shelf.folder
