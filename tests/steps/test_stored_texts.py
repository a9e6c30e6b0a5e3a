"""Texts too: with kept activations a fit comes to what it comes to without."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart.config.load import load
from headstart.workflow import fit

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

GOOD, BAD = (
    ("a good film with a warm heart", "please look at the cat"),
    ("the bad one", "where were you last night"),
)
BETWEEN = ("the", "cat", "sat", "on", "the", "mat", "and", "looked", "at", "home")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of sixty texts of many lengths; every fourth label is wrong: no loss comes near zero."""
    rows = ["text,label"]
    for number in range(30):
        for (one, other), labels in ((GOOD, ("good", "bad")), (BAD, ("bad", "good"))):
            middle = " ".join(BETWEEN[: 1 + number % 10])
            rows.append(f"{one} {middle} {other} {number},{labels[number % 4 == 0]}")
    file = tmp_path_factory.mktemp("texts") / "texts.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{save_checkpoint('bert', tmp_path_factory.mktemp('bert'))}"


def fitted(texts: Path, checkpoint: str, out: Path, **settings: Any) -> dict[str, Any]:
    given = {
        "data.path": str(texts),
        "out": str(out),
        "cache.path": str(out.parent / "cache"),
        "model.name": checkpoint,
        "technique.name": "two-phase",
        "technique.options": {"last": 2},
        "train.epochs": 3,
        "train.lr": 1e-3,
        "train.optimiser": "sgd",
        "train.batch_size": 4,
        "train.patience": 0,
        "train.keep_probe": False,
        "train.interpolate": False,
        "features.engine": "eager",
        "device": "cpu",
    }
    return dict(fit(load(None, {**given, **settings}), stream=io.StringIO()).result)


def test_with_and_without_the_store_texts_get_the_same_scores(
    texts: Path, checkpoint: str, tmp_path: Path
) -> None:
    results = {
        name: fitted(texts, checkpoint, tmp_path / name, **{"features.store": store})
        for name, store in (("with", True), ("without", False))
    }
    plan = json.loads((tmp_path / "with" / "plan.json").read_text())["decisions"]
    assert plan["stored"]["value"][0] == "head" and all(plan["stored"]["value"])
    one, other = (
        # The ECE of so few examples jumps where a confidence crosses the edge of a bin.
        {name: score["value"] for name, score in results[run]["test"]["metrics"].items() if name != "ece"}
        for run in ("with", "without")
    )
    assert one == pytest.approx(other, rel=0.01, abs=1e-3)
