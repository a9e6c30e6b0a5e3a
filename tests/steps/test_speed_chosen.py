"""The way to compute a training step: measured where that pays, and the same the second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from headstart.config.load import load
from headstart.planning.plan import Plan
from headstart.planning.speed import WAYS
from headstart.steps.speed import recall
from headstart.workflow import plan


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of noise, one darker than the other."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("photos")
    for label, brightest in (("dark", 120), ("light", 255)):
        (folder / label).mkdir()
        for number in range(12):
            pixels = random.integers(0, brightest, (40, 40, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def planned(photos: Path, cache: Path, **settings: Any) -> Plan:
    """The plan of a training long enough to be measured for."""
    given = {
        "data.path": str(photos),
        "cache.path": str(cache),
        "model.image_size": 32,
        "technique.name": "full",
        "train.epochs": 200,
        "train.batch_size": 4,
        "features.engine": "eager",
    }
    return plan(load(None, {**given, **settings}))


def memories(cache: Path) -> list[Path]:
    return list((cache / "measurements" / "steps").glob("*/*.json"))


def way(decided: Plan) -> list[Any]:
    return [getattr(decided, name) for name in WAYS]


def measured(decided: Plan) -> set[str]:
    return {name for name in WAYS if "as measured; " in decided.reasons[name]}


@pytest.fixture(scope="module")
def first(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    cache = tmp_path_factory.mktemp("measured") / "cache"
    return planned(photos, cache), cache


def test_a_long_training_is_measured_for_and_the_plan_says_so(first: tuple[Plan, Path]) -> None:
    decided, cache = first
    (memory,) = memories(cache)
    tried = json.loads(memory.read_text())
    assert [tried[0][name] for name in WAYS] == ["fp32", True, 4]
    assert "precision" in measured(decided)
    assert way(decided) in [[entry[name] for name in WAYS] for entry in tried]


def test_the_same_request_gives_the_same_plan_the_second_time(photos: Path, first: tuple[Plan, Path]) -> None:
    decided, cache = first
    # What a second measurement would hardly say.
    (memory,) = memories(cache)
    before = memory.read_text()
    tried = [
        {"precision": "fp32", "channels_last": True, "micro_batch": 4, "seconds": 0.5},
        {"precision": "fp32", "channels_last": True, "micro_batch": 1, "seconds": 0.25},
    ]
    try:
        same = planned(photos, cache)
        assert way(same) == way(decided)
        assert [same.reasons[name] for name in WAYS] == [decided.reasons[name] for name in WAYS]
        memory.write_text(json.dumps(tried))
        again = planned(photos, cache)
        assert way(again) == ["fp32", True, 1]
        assert again.reasons["micro_batch"].startswith("250 ms an example")
    finally:
        memory.write_text(before)


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", "[1]", '[{"precision": "fp32"}]', "[null]", "7"])
def test_a_damaged_memory_is_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "memory.json").write_text(damage)
    assert not recall(tmp_path / "memory.json")


def test_a_damaged_memory_is_measured_again(photos: Path, first: tuple[Plan, Path]) -> None:
    _, cache = first
    (memory,) = memories(cache)
    before = memory.read_text()
    memory.write_text(before[:-9])
    try:
        assert measured(planned(photos, cache))
        assert recall(memory)
    finally:
        memory.write_text(before)


def test_what_cannot_be_remembered_is_not_used(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "measurements").write_text("a file in the place of the folder")
    decided = planned(photos, tmp_path)
    assert way(decided) == ["fp32", True, 4] and not measured(decided)


def test_what_was_asked_for_is_kept_and_remembered_apart(photos: Path, first: tuple[Plan, Path]) -> None:
    _, cache = first
    before = set(memories(cache))
    decided = planned(photos, cache, **{"train.precision": "bf16"})
    (memory,) = set(memories(cache)) - before
    assert {entry["precision"] for entry in json.loads(memory.read_text())} == {"bf16"}
    assert (decided.precision, decided.reasons["precision"]) == ("bf16", "asked for")
    memory.unlink()


@pytest.mark.parametrize(
    "settings",
    [
        {"model.freeze": 1.0},
        {"features.store": False},
        {"cache.gigabytes": 0.0},
    ],
    ids=["the head alone", "without the store", "without room"],
)
def test_nothing_is_measured_where_it_does_not_pay_or_cannot_be_remembered(
    photos: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    decided = planned(photos, tmp_path, **settings)
    assert memories(tmp_path) == [] and not measured(decided)
    assert way(decided) == ["fp32", True, 4]
