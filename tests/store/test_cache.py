"""A cache stays within its limit, forgets what was not used for longest, and never what is in use."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from headstart.config.load import load
from headstart.errors import CacheError
from headstart.store.cache import Cache, default_root
from headstart.store.lease import remove_unused
from headstart.store.shelf import Shelf

NAMES = ("first", "second", "third")
SIZE = 40_000
Usage = namedtuple("Usage", "total used free")


def put(cache: Cache, name: str, *, age: float = 0.0) -> Path:
    """A shelf of somewhat over `SIZE` bytes that was opened some seconds ago."""
    shelf = cache.shelf({"name": name})
    with shelf.writing() as writer:
        writer.add("key", {"x": np.zeros(SIZE, np.uint8)})
    if age:
        then = time.time() - age
        os.utime(shelf.folder / "lock", (then, then))
    return shelf.folder


def names(cache: Cache) -> list[str]:
    """Of what there is, the least recently used first."""
    return [entry.description["name"] for entry in cache.entries()]


@pytest.fixture
def three(cache: Cache) -> Cache:
    """A cache in which the second shelf was used last, and the third before it."""
    for name, age in zip(NAMES, (300, 100, 200), strict=True):
        put(cache, name, age=age)
    return cache


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a disk of which so many bytes are free."""

    def make(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - free, free))

    return make


def limited(cache: Cache, limit: int) -> Cache:
    return Cache(cache.root, limit)


def test_entries_say_what_is_there(three: Cache) -> None:
    entries = three.entries()
    assert [entry.description for entry in entries] == [
        {"name": name} for name in ("first", "third", "second")
    ]
    assert all(entry.rows == 1 and SIZE < entry.size < SIZE + 1000 for entry in entries)
    assert not any(entry.in_use for entry in entries)
    assert entries[0].used == pytest.approx(time.time() - 300, abs=60)


def test_a_cache_that_is_not_there_is_empty_and_stays_away(cache: Cache) -> None:
    assert cache.entries() == []
    assert cache.clear() == 0
    assert cache.room() > 0
    assert cache.make_room(1000)
    assert not cache.root.exists()


def test_what_was_not_used_for_longest_goes_first(three: Cache) -> None:
    assert limited(three, 3 * SIZE).make_room(SIZE // 2)
    assert names(three) == ["third", "second"]
    assert limited(three, 3 * SIZE).make_room(2 * SIZE)
    assert names(three) == []


def test_opening_a_shelf_is_using_it(three: Cache) -> None:
    three.shelf({"name": "first"})
    assert limited(three, 3 * SIZE).make_room(SIZE // 2)
    assert names(three) == ["second", "first"]


def test_what_fits_removes_nothing(three: Cache) -> None:
    assert limited(three, 5 * SIZE).make_room(SIZE)
    assert len(names(three)) == 3


def test_what_cannot_fit_removes_nothing(three: Cache) -> None:
    small = limited(three, 3 * SIZE)
    assert not small.make_room(3 * SIZE + 1)
    assert not limited(three, 0).make_room(1)
    assert len(names(three)) == 3
    assert small.room() == 3 * SIZE


def test_what_is_in_use_stays(three: Cache) -> None:
    held = three.shelf({"name": "first"}).rows("x", ["key"])
    (entry,) = [entry for entry in three.entries() if entry.in_use]
    small = limited(three, 3 * SIZE)
    assert small.room() == 3 * SIZE - entry.size
    assert not small.make_room(3 * SIZE)
    assert small.make_room(SIZE // 2)
    assert three.clear() > 0
    assert names(three) == ["first"]
    assert held[:].shape == (1, SIZE)
    del held
    assert three.clear() == entry.size
    assert names(three) == []


def test_room_on_the_disk_is_made_and_some_is_left(three: Cache, disk: Callable[[int], None]) -> None:
    disk((1 << 30) + SIZE)
    assert three.make_room(SIZE)
    assert len(names(three)) == 3
    assert three.make_room(SIZE + 1)
    assert names(three) == ["third", "second"]
    disk(1 << 29)
    assert three.room() == 0
    assert not three.make_room(1)
    assert names(three) == ["third", "second"]


def test_nothing_needs_no_room(three: Cache, disk: Callable[[int], None]) -> None:
    disk(0)
    assert three.make_room(0)
    assert len(names(three)) == 3


def test_clearing_may_leave_what_was_used_lately(three: Cache) -> None:
    freed = sum(entry.size for entry in three.entries()[:2])
    assert three.clear(older_than=150) == freed
    assert names(three) == ["second"]
    assert three.clear() > SIZE
    assert [path.name for path in three.root.iterdir()] == ["lock"]


def test_a_clock_that_was_put_back_does_not_keep_a_shelf(cache: Cache) -> None:
    put(cache, "later", age=-1000)
    assert cache.clear() > SIZE


def test_what_was_left_half_removed_is_swept_and_nothing_else(three: Cache) -> None:
    folder = put(three, "left")
    folder.rename(folder.with_name(f".tmp-old-{folder.name}"))
    (three.root / ".tmp-mine").mkdir()
    (three.root / "notes.txt").write_text("mine")
    assert len(names(three)) == 3
    three.clear()
    assert {path.name for path in three.root.iterdir()} == {".tmp-mine", "notes.txt", "lock"}


def test_what_a_killed_writer_left_is_swept_by_who_comes_next(cache: Cache) -> None:
    folder = put(cache, "left")
    leftover = folder / ".tmp-0-0-0-0.safetensors"
    leftover.write_bytes(bytes(1000))
    shelf = cache.shelf({"name": "left"})
    assert not leftover.exists()
    # Another that comes while it is open may not take away what is being written.
    leftover.write_bytes(bytes(1000))
    cache.shelf({"name": "left"})
    assert leftover.exists()
    assert shelf.missing(["key"]) == []


def test_a_description_that_is_lost_is_written_again(cache: Cache) -> None:
    folder = put(cache, "name")
    for content in ("[1]", "{", ""):
        (folder / "shelf.json").write_text(content)
        assert [entry.description for entry in cache.entries()] == [{}]
    (folder / "shelf.json").unlink()
    assert [entry.description for entry in cache.entries()] == [{}]
    cache.shelf({"name": "name"})
    assert names(cache) == ["name"]


def test_removing_and_filling_at_once_harm_nobody(cache: Cache) -> None:
    done = Event()

    def fill(name: str) -> int:
        made = 0
        for _ in range(60):
            shelf = cache.shelf({"name": name})
            if shelf.missing(["key"]):
                made += 1
                put(cache, name)
            assert (shelf.row("key")["x"] == 0).all()
            del shelf
            time.sleep(0.001)
        return made

    def remove() -> None:
        while not done.wait(0.001):
            limited(cache, 2 * SIZE).make_room(SIZE)
            cache.clear()

    with ThreadPoolExecutor(5) as pool:
        removers = [pool.submit(remove) for _ in range(2)]
        fillers = [pool.submit(fill, name) for name in ("a", "a", "b")]
        wait(fillers)
        done.set()
        made = sum(filler.result() for filler in fillers)
        for remover in removers:
            remover.result()
    assert made > 4


def test_who_waits_for_a_folder_that_goes_makes_it_anew(cache: Cache) -> None:
    folder = put(cache, "name")
    with ThreadPoolExecutor(1) as pool, (folder / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(cache.shelf, {"name": "name"})
        time.sleep(0.1)
        shutil.rmtree(folder)
        lock.close()
        shelf = waiting.result()
    assert shelf.missing(["key"]) == [0]
    (entry,) = cache.entries()
    assert entry.in_use


def test_a_folder_that_was_made_anew_meanwhile_is_not_removed(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(cache, "name")
    anew: list[Shelf] = []
    flock = fcntl.flock

    def late(lock: int, operation: int) -> None:
        monkeypatch.undo()
        shutil.rmtree(folder)
        anew.append(cache.shelf({"name": "name"}))
        flock(lock, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    assert not remove_unused(folder)
    (entry,) = cache.entries()
    assert entry.in_use


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for root in (file, file / "below", tmp_path / "nowhere"):
        with pytest.raises(CacheError, match=r"cannot be written \(.+\)\. Set HEADSTART_CACHE or"):
            Cache(root, 10**9).shelf({})
    with pytest.raises(CacheError):
        Cache(file, 10**9).entries()


def test_the_usual_place_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", "/somewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_root() == Path("/somewhere")
    monkeypatch.delenv("HEADSTART_CACHE")
    assert default_root() == Path("/caches/headstart")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_root() == Path("/home/someone/.cache/headstart")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_root() == Path("/home/someone/Library/Caches/headstart")


def test_a_request_may_name_another_place_and_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    config = load(None, {"cache.path": "~/scratch", "cache.gigabytes": 0.5})
    assert Cache.of(config.cache) == Cache(Path("/home/someone/scratch"), 500_000_000)
    assert Cache.of(load(None).cache) == Cache(default_root(), 10_000_000_000)
