import errno
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.config.policies import POLICIES
from headstart.contracts import Example, Progress
from headstart.data.intake import estimate_bytes, stored_views, take_in
from headstart.errors import CacheError, DiskFull
from headstart.modalities.image.modality import ImageModality
from headstart.modalities.image.preprocessing import ImagePreprocessing
from headstart.store.cache import Cache
from headstart.store.shelf import Shelf

COUNT = 12
MODALITY = ImageModality(ImagePreprocessing((16, 16)), POLICIES["medium"], seed=0)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Cache(tmp_path / "cache", limit=1 << 30).shelf(MODALITY.compact_state())


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    """Small and larger pictures; the last two have the same content, the first is unreadable."""
    found = []
    for number in range(COUNT):
        seed = min(number, COUNT - 2)
        side = 12 if seed % 2 else 60
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
        path = tmp_path / f"{number:02}.png"
        Image.fromarray(pixels).save(path)
        found.append(Example(path.name, path, "x"))
    found[0].input.write_bytes(b"no picture")
    return found


@pytest.fixture
def full_after(monkeypatch) -> Callable[[int, int], None]:
    """Makes every row a file of its own, and all writes after some fail."""

    def fail(room: int, number: int) -> None:
        write, done = os.write, count()

        def write_while_there_is_room(handle, data):
            if next(done) >= room:
                raise OSError(number, os.strerror(number))
            return write(handle, data)

        monkeypatch.setattr("headstart.store.writer.SEGMENT_BYTES", 1)
        monkeypatch.setattr("headstart.durable.os.write", write_while_there_is_room)

    return fail


def contents_of(scans):
    return sorted({scan.content for scan in scans.values() if scan.content})


def test_every_input_is_scanned_and_every_readable_content_kept(examples, shelf):
    taken = take_in(examples, MODALITY, shelf)
    assert taken.scans == {example.id: MODALITY.scan(example) for example in examples}
    assert taken.problem is None
    assert taken.scans["00.png"].error
    assert len(contents_of(taken.scans)) == COUNT - 2
    assert shelf.missing(contents_of(taken.scans)) == []


def test_without_a_shelf_there_are_the_scans_alone(examples):
    events = []
    taken = take_in(examples, MODALITY, None, notify=events.append)
    assert taken.scans == {example.id: MODALITY.scan(example) for example in examples}
    assert events[-1] == Progress(step=0, what="files", done=COUNT, total=COUNT)


def test_progress_ends_at_the_total(examples, shelf):
    events = []
    take_in(examples, MODALITY, shelf, notify=events.append)
    assert [event.done for event in events] == list(range(1, COUNT + 1))


def test_only_what_is_missing_is_made_and_written(examples, shelf):
    made = []

    class Watched(ImageModality):
        def intake(self, example, wanted=None):
            taken = super().intake(example, wanted)
            made.extend([example.id] * (taken.compact is not None))
            return taken

    modality = Watched(MODALITY.preprocessing, MODALITY.augmentation, 0)
    take_in(examples[:5], modality, shelf)
    assert sorted(made) == [example.id for example in examples[1:5]]
    made.clear()
    take_in(examples[:8], modality, shelf)
    assert sorted(made) == [example.id for example in examples[5:8]]


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EROFS, CacheError)])
@pytest.mark.parametrize("room", [0, 3])
def test_a_shelf_that_cannot_be_written_loses_no_scan_and_no_view(
    examples, shelf, full_after, room, number, error
):
    full_after(room, number)
    taken = take_in(examples, MODALITY, shelf)
    assert isinstance(taken.problem, error)
    assert taken.scans == {example.id: MODALITY.scan(example) for example in examples}
    assert len(shelf.missing(contents_of(taken.scans))) == COUNT - 2 - room
    view = stored_views(MODALITY, shelf, taken.scans)
    for example in examples[1:]:
        assert torch.equal(view(example, None).inputs["x"], MODALITY.view(example, None).inputs["x"])


def test_the_limit_holds_although_the_estimate_was_too_low(examples, tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.store.writer.SEGMENT_BYTES", 1)
    cache = Cache(tmp_path / "cache", limit=10_000)
    shelf = cache.shelf(MODALITY.compact_state())
    assert cache.make_room(estimate_bytes(examples[1:2], MODALITY, shelf))
    taken = take_in(examples, MODALITY, shelf)
    assert isinstance(taken.problem, CacheError) and "no room for" in str(taken.problem)
    assert taken.scans == {example.id: MODALITY.scan(example) for example in examples}
    (entry,) = cache.entries()
    assert 0 < entry.rows < COUNT - 2
    assert entry.size < 10_000 + 1000


def test_views_come_from_the_shelf_once_the_files_are_gone(examples, shelf):
    readable = examples[1:]
    expected = [MODALITY.view(example, None).inputs["x"] for example in readable]
    view = stored_views(MODALITY, shelf, take_in(examples, MODALITY, shelf).scans)
    augmented = [view(example, 3) for example in readable]
    for example in readable:
        example.input.unlink()
    for example, x, varied in zip(readable, expected, augmented, strict=True):
        assert torch.equal(view(example, None).inputs["x"], x)
        assert torch.equal(view(replace(example, target=None), 3).inputs["x"], varied.inputs["x"])


def test_an_example_that_was_not_taken_in_is_read_from_its_file(examples, shelf):
    view = stored_views(MODALITY, shelf, take_in(examples[:5], MODALITY, shelf).scans)
    for example in examples[5:]:
        assert torch.equal(view(example, 2).inputs["x"], MODALITY.view(example, 2).inputs["x"])


def test_the_estimate_is_what_is_written_and_nothing_once_it_is(examples, shelf, tmp_path):
    estimate = estimate_bytes(examples, MODALITY, shelf)
    take_in(examples, MODALITY, shelf)
    (entry,) = Cache(tmp_path / "cache", limit=1 << 30).entries()
    assert estimate / 2 < entry.size < estimate * 2
    assert estimate_bytes(examples, MODALITY, shelf) == 0
    assert estimate_bytes([], MODALITY, shelf) == 0
