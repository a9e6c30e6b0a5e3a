"""Files on a shelf come back whole or not at all, whatever became of a piece."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from headstart.features.engines import kept_files
from headstart.features.engines.kept_files import KeptFiles
from headstart.store import writer
from headstart.store.cache import Cache

NAMES = ("small", "large", "empty")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_files, "PIECE_BYTES", 100)
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 250)
    return KeptFiles(Cache(tmp_path / "cache", limit=10**6), {"kind": "files"})


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in NAMES]
    for path, size in zip(paths, (7, 2345, 0), strict=True):
        path.write_bytes(bytes(number * number % 251 for number in range(size)))
    return paths


def contents(paths):
    return [path.read_bytes() for path in paths]


def segments(kept):
    return sorted(kept.cache.root.glob("*/*.safetensors"))


def test_files_come_back_as_they_were(kept, files):
    assert kept.read(NAMES) is None
    kept.write(files)
    assert len(segments(kept)) > 8
    assert kept.read(NAMES) == contents(files)
    assert kept.read(NAMES[::-1]) == contents(files)[::-1]
    assert kept.read([*NAMES, "other"]) is None


def remove(path):
    path.unlink()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [remove, flip_a_bit])
@pytest.mark.parametrize("lost", range(0, 9, 2))
def test_without_any_one_of_its_segments_it_is_not_there_until_it_is_written_again(kept, files, lost, damage):
    kept.write(files)
    damage(segments(kept)[lost])
    assert kept.read(NAMES) is None
    kept.write(files)
    assert kept.read(NAMES) == contents(files)


def test_no_beginning_of_what_was_written_is_taken_for_all_of_it(kept, files):
    kept.write(files)
    for segment in segments(kept)[::-1]:
        segment.unlink()
        assert kept.read(NAMES) is None
    kept.write(files)
    assert kept.read(NAMES) == contents(files)


# Writes one file, in many segments, and says when it begins.
WRITER = """
import sys
from pathlib import Path
from headstart.features.engines import kept_files
from headstart.store import writer
from headstart.store.cache import Cache

kept_files.PIECE_BYTES = writer.SEGMENT_BYTES = 1000
cache = Cache(Path(sys.argv[1]), limit=10**7)
print("begun", flush=True)
kept_files.KeptFiles(cache, {"kind": "files"}).write([Path(sys.argv[2])])
"""


def test_a_writer_that_is_killed_leaves_nothing_that_is_half_trusted(kept, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(np.random.default_rng(0).bytes(300_000))
    command = [sys.executable, "-c", WRITER, str(kept.cache.root), str(file)]
    for seconds in (0.005, 0.02, 0.05, 0.1):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        whole = kept.read(["large"])
        assert whole == (contents([file]) if process.returncode == 0 else None)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert kept.read(["large"]) == contents([file])


def test_other_contents_may_follow_upon_damage(kept, files):
    kept.write(files)
    segments(kept)[0].unlink()
    files[0].write_bytes(b"made anew, and other bytes")
    kept.write(files)
    assert kept.read(NAMES) == contents(files)


@pytest.fixture
def three(kept, files):
    """Kept files that were last used hours ago, the first of them longest."""
    each = [KeptFiles(kept.cache, {"kind": "files", "number": number}) for number in range(3)]
    now = time.time()
    for number, one in enumerate(each):
        one.write(files)
        used = now - 3600 * (3 - number)
        os.utime(one.cache.shelf(one.description).folder / "lock", (used, used))
    return each


def test_they_count_and_those_used_longest_ago_make_room(three):
    cache = three[0].cache
    sizes = [entry.size for entry in cache.entries()]
    full = Cache(cache.root, limit=sum(sizes))
    assert min(sizes) > 2352
    assert three[0].read(NAMES)
    assert full.make_room(1)
    assert [entry.description["number"] for entry in full.entries()] == [2, 0]
    assert three[1].read(NAMES) is None
    assert three[0].read(NAMES) and three[2].read(NAMES)


def test_they_make_room_unless_they_are_in_use(three):
    cache = three[0].cache
    full = Cache(cache.root, limit=sum(entry.size for entry in cache.entries()))
    shelf = cache.shelf(three[0].description)
    assert not full.make_room(full.limit)
    assert len(full.entries()) == 3
    del shelf
    assert full.make_room(full.limit)
    assert full.entries() == []


def test_what_has_no_room_is_not_kept(kept, files):
    small = KeptFiles(Cache(kept.cache.root, limit=1000), kept.description)
    small.write(files)
    assert small.read(NAMES) is None
    assert segments(small) == []


def test_a_file_that_is_gone_is_not_kept(kept, files):
    kept.write([*files, files[0].with_name("gone")])
    assert kept.read(NAMES) is None


def test_a_place_that_cannot_be_written_keeps_nothing(kept, files):
    kept.cache.root.write_text("a file in the place of the folder")
    kept.write(files)
    assert kept.read(NAMES) is None
