"""Frozen layers are computed once: the same results as without the store, for less work."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from headstart.config.load import load
from headstart.store.cache import Cache
from headstart.workflow import fit

TRAIN, OTHERS = 28, 12


@pytest.fixture(scope="module")
def photos(stripes: Callable[[int, int], Path]) -> Path:
    return stripes(20, 80)


def fitted(photos: Path, out: Path, **settings: Any) -> str:
    """What was shown of a fit."""
    given = {
        "data.path": str(photos),
        "out": str(out),
        "cache.path": str(out.parent / "cache"),
        "model.image_size": 64,
        "technique.name": "two-phase",
        "technique.options": {"last": 3},
        "train.epochs": 6,
        "train.lr": 1e-3,
        "train.patience": 0,
        "train.keep_probe": False,
        "features.engine": "eager",
    }
    shown = io.StringIO()
    fit(load(None, {**given, **settings}), stream=shown)
    return shown.getvalue()


def plan_of(run: Path) -> dict[str, Any]:
    return {
        name: decision["value"]
        for name, decision in json.loads((run / "plan.json").read_text())["decisions"].items()
    }


def kept(cache: Path) -> dict[str, int]:
    """Rows of frozen layers by boundary, all views together."""
    rows: dict[str, int] = {}
    for entry in Cache(cache, 10**9).entries():
        if entry.description["kind"] == "features":
            boundary = entry.description["boundary"]
            rows[boundary] = rows.get(boundary, 0) + entry.rows
    return rows


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model.head.dropout": 0.3, "train.batch_norm": "train"},
        {"technique.name": "gradual-unfreezing", "technique.options": {"groups": 4}},
    ],
    ids=["frozen statistics", "dropout and trained statistics", "gradual unfreezing"],
)
def test_with_and_without_the_store_training_gives_the_same(
    photos: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    # Adam would magnify what rounding does to the smallest gradients.
    settings = {"augment.policy": "none", "train.optimiser": "sgd", "train.lr": 1e-2, **settings}
    for name, store in (("with", True), ("without", False)):
        fitted(photos, tmp_path / name, **{**settings, "features.store": store})
    plan = plan_of(tmp_path / "with")
    assert plan["stored"][0] == "head" and len({*plan["stored"]} - {""}) > 1
    assert not any(plan_of(tmp_path / "without")["stored"])
    one, other = (
        load_file(tmp_path / name / "model" / "weights.safetensors") for name in ("with", "without")
    )
    for weight in one:
        np.testing.assert_allclose(one[weight], other[weight], rtol=0.01, atol=1e-3, err_msg=weight)
    losses = [
        json.loads((tmp_path / name / "result.json").read_text())["val"]["metrics"]["log_loss"]["value"]
        for name in ("with", "without")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.02, abs=2e-3)


def test_every_view_is_computed_once_and_not_again_by_the_next_run(photos: Path, tmp_path: Path) -> None:
    fitted(photos, tmp_path / "first", **{"features.views": 2})
    plan = plan_of(tmp_path / "first")
    assert plan["views"] == 2 and all(plan["stored"])
    everything = {"head": TRAIN + OTHERS + 2 * TRAIN, plan["stored"][1]: 2 * TRAIN + OTHERS}
    assert kept(tmp_path / "cache") == everything
    second = fitted(photos, tmp_path / "second", **{"features.views": 2})
    assert kept(tmp_path / "cache") == everything
    assert "features (" not in second
    one, other = (
        (tmp_path / name / "model" / "weights.safetensors").read_bytes() for name in ("first", "second")
    )
    assert one == other


@pytest.mark.parametrize(
    "settings",
    [{"model.freeze": 1.0}, {"train.optimiser": "sgd", "train.lr": 1e-6, "train.batch_size": 2}],
    ids=["the head alone", "beyond the first phase"],
)
def test_with_as_many_views_as_epochs_training_sees_what_it_would_see_without(
    photos: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    settings = {"train.epochs": 4, "features.views": 4, **settings}
    for name, store in (("with", True), ("without", False)):
        fitted(photos, tmp_path / name, **{**settings, "features.store": store})
    events = {
        name: [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("with", "without")
    }
    losses = {
        name: [event["loss"] for event in some if event["event"] == "StepDone"]
        for name, some in events.items()
    }
    # Images as small as these are kept as they are: the very same pixels, in the very same crops.
    np.testing.assert_allclose(losses["with"], losses["without"], rtol=0.05, atol=1e-4)


def test_a_cache_without_room_is_said_and_does_without(photos: Path, tmp_path: Path) -> None:
    fitted(photos, tmp_path / "run", **{"cache.gigabytes": 0.0})
    plan = plan_of(tmp_path / "run")
    assert not plan["decode_once"] and not any(plan["stored"])
    decisions = json.loads((tmp_path / "run" / "plan.json").read_text())["decisions"]
    assert "has no room" in decisions["decode_once"]["reason"]


def test_a_damaged_cache_is_computed_again(photos: Path, tmp_path: Path) -> None:
    settings = {"technique.name": "linear-probe", "technique.options": {}}
    fitted(photos, tmp_path / "first", **settings)
    for segment in (tmp_path / "cache").glob("*/*.safetensors"):
        content = bytearray(segment.read_bytes())
        content[-1] ^= 1
        segment.write_bytes(content)
    fitted(photos, tmp_path / "second", **settings)
    one, other = ((tmp_path / name / "predictions" / "test.csv").read_text() for name in ("first", "second"))
    assert one == other


def test_features_that_the_cache_has_no_room_for_stay_in_memory(photos: Path, tmp_path: Path) -> None:
    settings = {"technique.name": "linear-probe", "technique.options": {}}
    plain = fitted(photos, tmp_path / "plain", **settings)
    small = fitted(
        photos, tmp_path / "small", **settings, **{"cache.path": str(tmp_path / "c"), "cache.gigabytes": 5e-5}
    )
    assert "Features stay in memory" in small and "Features stay in memory" not in plain
    one, other = ((tmp_path / name / "predictions" / "test.csv").read_text() for name in ("plain", "small"))
    assert one == other
