"""A listing is true while others write, remove and list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import numpy as np

from headstart.store.cache import Cache


@contextmanager
def meanwhile(work: Callable[[int], object]) -> Iterator[None]:
    """Does something over and over, until the context is left."""
    done = Event()

    def run() -> int:
        number = 0
        while not done.is_set():
            work(number)
            number += 1
        return number

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield
        finally:
            done.set()
        assert running.result() > 0


def during(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def test_a_shelf_that_is_written_to_is_in_every_listing(cache: Cache) -> None:
    shelf = cache.shelf({"name": "name"})

    def write(number: int) -> None:
        # Renaming it while it is looked at is what a writer does.
        temporary = shelf.folder / f".tmp-{number}"
        temporary.write_bytes(bytes(10))
        temporary.rename(shelf.folder / str(number % 5))

    with meanwhile(write):
        assert all(cache.entries() for _ in during(1.0))


def test_looking_is_not_using(cache: Cache) -> None:
    cache.shelf({"name": "name"})
    with meanwhile(lambda _: cache.entries()):
        assert not any(entry.in_use for _ in during(1.0) for entry in cache.entries())


def test_what_is_looked_at_can_be_removed(cache: Cache) -> None:
    with meanwhile(lambda _: cache.entries()):
        for number in range(100):
            with cache.shelf({"name": number}).writing() as rows:
                rows.add("key", {"x": np.zeros(10)})
            del rows
            assert cache.clear() > 0
