"""The limit holds whoever writes, and however little they asked for before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from headstart.errors import CacheError
from headstart.store.cache import Cache
from headstart.store.shelf import Shelf

LIMIT = 40_000

# Fills a shelf of its own with 30 kB once it is told to, and lets go of it once it is told again.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from headstart.errors import CacheError
from headstart.store import writer
from headstart.store.cache import Cache

writer.SEGMENT_BYTES = 1 << 11
cache = Cache(Path(sys.argv[1]), limit=int(sys.argv[2]))
shelf = cache.shelf({"name": sys.argv[3]})
print(cache.make_room(30_000), flush=True)
sys.stdin.readline()
try:
    with shelf.writing() as rows:
        for number in range(30):
            rows.add(str(number), {"x": np.zeros(1000, np.uint8)})
    print("all of it", flush=True)
except CacheError as error:
    print(error, flush=True)
sys.stdin.readline()
"""


def size(cache: Cache) -> int:
    """Bytes of all rows."""
    return sum(file.stat().st_size for file in cache.root.glob("*/*.safetensors"))


@pytest.fixture
def small(cache: Cache, small_segments: None) -> Cache:
    return Cache(cache.root, LIMIT)


def write(shelf: Shelf, count: int) -> None:
    with shelf.writing() as rows:
        for number in range(count):
            rows.add(str(number), {"x": np.zeros(1000, np.uint8)})


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def test_two_processes_cannot_take_the_same_room(small: Cache) -> None:
    command = [sys.executable, "-c", WRITER, str(small.root), str(LIMIT)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([*command, "one"], **pipes) as one,
        subprocess.Popen([*command, "other"], **pipes) as other,
    ):
        assert [told(process) for process in (one, other)] == ["True", "True"]
        for process in (one, other):
            tell(process)
        said = [told(process) for process in (one, other)]
        assert any("no room for" in line for line in said)
        assert LIMIT / 2 < size(small) <= LIMIT
    assert one.returncode == other.returncode == 0


def test_a_writer_that_did_not_ask_stays_within_the_limit(small: Cache) -> None:
    shelf = small.shelf({})
    with pytest.raises(CacheError, match="no room for"):
        write(shelf, 100)
    assert LIMIT / 2 < size(small) <= LIMIT
    # What was written before is there.
    left = shelf.missing([str(number) for number in range(100)])
    assert left == list(range(100 - len(left), 100))
    assert 20 < len(left) < 80


def test_a_writer_takes_the_room_of_what_nobody_uses(small: Cache) -> None:
    write(small.shelf({"name": "old"}), 30)
    write(small.shelf({"name": "new"}), 30)
    assert [entry.description["name"] for entry in small.entries()] == ["new"]


def test_measurements_count_and_stay_until_all_is_cleared(small: Cache, again: Callable[[], Shelf]) -> None:
    file = small.measurements / "engines" / "part" / "machine.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(15_000))
    (entry,) = small.entries()
    assert (entry.description, entry.size, entry.in_use) == ({"kind": "measurements"}, 15_000, False)
    assert small.room() == LIMIT - 15_000
    write(small.shelf({"name": "old"}), 20)
    write(small.shelf({"name": "new"}), 20)
    assert [entry.description.get("name") for entry in small.entries()] == [None, "new"]
    assert not small.make_room(30_000)
    assert small.clear(older_than=60) == 0
    assert small.clear() > 35_000
    assert not small.measurements.exists()


def test_measurements_that_were_left_half_removed_are_swept(small: Cache) -> None:
    left = small.root / ".tmp-old-measurements"
    left.mkdir(parents=True)
    small.clear()
    assert not left.exists()
