"""A cache of its own for each test, and segments small enough to have several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headstart.store import writer
from headstart.store.cache import Cache
from headstart.store.shelf import Shelf

DESCRIPTION = {"kind": "test", "size": 3}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", limit=10**9)


@pytest.fixture
def shelf(cache: Cache) -> Shelf:
    return cache.shelf(DESCRIPTION)


@pytest.fixture
def again(cache: Cache) -> Callable[[], Shelf]:
    """Opens the shelf anew, as another process would."""
    return lambda: cache.shelf(DESCRIPTION)


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 kB."""
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 1 << 12)


@pytest.fixture
def numbers() -> np.ndarray:
    """Rows that are told apart by their values: (200, 5, 7)."""
    return np.random.default_rng(0).standard_normal((200, 5, 7)).astype(np.float32)


@pytest.fixture
def filled(shelf: Shelf, numbers: np.ndarray, small_segments: None) -> Shelf:
    """A shelf of `numbers`, in seven segments, under the keys "0" to "199"."""
    with shelf.writing() as rows:
        for place, row in enumerate(numbers):
            rows.add(str(place), {"x": row})
    return shelf
