"""Small models, and services of them: in this process, or in one of their own."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

import headstart as hs
from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.records.values import Version
from headstart.service.app import build_app
from headstart.service.log import EventLog
from headstart.service.options import ServiceOptions

# What the tests of the service share.
sys.path.insert(0, str(Path(__file__).parent))

from service_running import COLOURS, HERE, Child, Running, child, new_records, png


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs on images of two colours."""
    folder = tmp_path_factory.mktemp("runs")
    for label in COLOURS:
        (folder / "data" / label).mkdir(parents=True)
        for number in range(20):
            (folder / "data" / label / f"{number:02d}.png").write_bytes(png(label, 100 + number))
    return [_fitted(folder / "data", folder / f"run-{seed}", seed, image_size=64) for seed in (0, 1)]


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on pairs of texts."""
    return _of_texts(tmp_path_factory.mktemp("texts"), "premise,hypothesis", ",he walks")


@pytest.fixture(scope="session")
def single_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on single texts."""
    return _of_texts(tmp_path_factory.mktemp("single-texts"), "text")


def _of_texts(folder: Path, columns: str, others: str = "") -> Path:
    """A run on a table of sentences, each followed by what is in the other columns."""
    rows = [f"he {'moves' if place % 2 else 'sleeps'} at {place}{others},{place % 2}" for place in range(40)]
    (folder / "table.csv").write_text("\n".join([f"{columns},label", *rows]))
    return _fitted(folder / "table.csv", folder / "run", 0)


def _fitted(data: Path, out: Path, seed: int, **given: Any) -> Path:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    given |= {"technique": "linear-probe", "batch_size": 8, "device": "cpu", "stream": None}
    try:
        return Path(hs.fit(data, seed=seed, out=out, **given).path)
    finally:
        torch.set_num_threads(threads)


@lru_cache
def _opened(path: str) -> Model:
    return load_bundle(Path(path))


def opened_once(version: Version) -> Model:
    """Opens versions; those of one path are one model."""
    return _opened(version.path)


@contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Running]]:
    """What starts services whose records are in a folder, and ends them."""
    with ExitStack() as stack:

        def started(runs: list[Path], **given: Any) -> Running:
            open_version = given.pop("open_version", opened_once)
            records = stack.enter_context(new_records(folder / "records.sqlite", runs))
            log = io.StringIO()
            options = ServiceOptions(**{"name": "colours", "poll": 600, **given})
            app = build_app(records, open_version, options, EventLog(log))
            client = stack.enter_context(TestClient(app, base_url=HERE))
            return Running(client, records, app.state.service, log)

        yield started


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a service of some runs, the first of which is the champion."""
    with starting(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, runs: list[Path]) -> Iterator[Running]:
    """A service of two versions of a model for images, that no test changes."""
    with starting(tmp_path_factory.mktemp("running")) as started:
        yield started(runs)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, runs: list[Path]) -> Iterator[Child]:
    """A service with small bounds, in a process of its own."""
    bounds = {
        "header_timeout": 1.0,
        "deadline": 5.0,
        "body": 1_000_000,
        "bodies": 4_000_000,
        "connections": 50,
    }
    with child(tmp_path_factory.mktemp("served"), runs, **bounds) as found:
        yield found
