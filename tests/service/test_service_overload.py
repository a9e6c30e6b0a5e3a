"""More than can be answered: some are told to come again, some that it took too long, none waits for ever."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service_running import Running, png

from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.records.values import Version

PATIENCE = 60.0


@contextmanager
def held(start: Callable[..., Running], runs: list[Path], **options: Any) -> Iterator[Running]:
    """A service whose engine computes nothing until the end."""
    go_on = threading.Event()

    def open_version(version: Version) -> Model:
        model = load_bundle(Path(version.path))
        answer = model.answer

        def wait(*given: Any) -> Any:
            go_on.wait(PATIENCE)
            return answer(*given)

        model.answer = wait  # type: ignore[method-assign]
        return model

    try:
        running = start(runs, open_version=open_version, max_batch=1, **options)
        running.go_on = go_on  # type: ignore[attr-defined]
        yield running
    finally:
        go_on.set()


def ask(running: Running, count: int = 1) -> Any:
    return running.client.post("/predict", files=[("file", ("a.png", png("warm")))] * count)


def test_a_full_queue_tells_to_come_again_and_those_before_are_answered(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    with held(start, runs, queue=3) as running, ThreadPoolExecutor(1) as pool:
        batcher = running.service.slot.current.batcher
        first = pool.submit(ask, running, 3)
        while batcher.waiting != 2:
            time.sleep(0.005)
        refused = ask(running, 2)
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
        assert "headstart_queue_length 2.0" in running.client.get("/metrics").text
        running.go_on.set()  # type: ignore[attr-defined]
        assert len(first.result(PATIENCE).json()["predictions"]) == 3


def test_more_inputs_than_the_queue_holds_are_never_taken(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs, queue=3)
    encoded = base64.b64encode(png("warm")).decode()
    refused = running.client.post("/predict", json={"inputs": [encoded] * 4})
    assert refused.status_code == 413 and "at most 3" in refused.json()["error"]
    assert ask(running, 4).status_code == 400 and ask(running, 3).status_code == 200


def test_an_answer_that_is_not_found_in_time_is_not_waited_for(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    with held(start, runs, deadline=1.0) as running:
        late = ask(running, 3)
        assert late.status_code == 504 and "1 seconds" in late.json()["error"]
        running.go_on.set()  # type: ignore[attr-defined]
        assert ask(running).status_code == 200
        # Of the late one, no more than was begun has been computed.
        assert "headstart_batch_size_count 2.0" in running.client.get("/metrics").text


def test_a_decoder_that_never_ends_is_told_to_whoever_watches(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    go_on = threading.Event()

    def open_version(version: Version) -> Model:
        model = load_bundle(Path(version.path))
        view = model.view

        def wait(value: Any, *, name: str) -> Any:
            go_on.wait(PATIENCE)
            return view(value, name=name)

        model.view = wait  # type: ignore[method-assign]
        return model

    running = start(runs, open_version=open_version, deadline=0.1)
    try:
        assert running.client.get("/healthz").status_code == 200
        assert ask(running).status_code == 504
        while running.service.slot.current.batcher.busy_for < 0.5:
            time.sleep(0.005)
        assert running.client.get("/healthz").status_code == 503
        assert running.client.get("/readyz").status_code == 503
    finally:
        go_on.set()


def test_an_engine_that_never_ends_is_told_to_whoever_watches(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    with held(start, runs, deadline=0.1) as running:
        assert running.client.get("/healthz").status_code == 200
        assert ask(running).status_code == 504
        while running.service.slot.current.batcher.busy_for < 0.5:
            time.sleep(0.005)
        assert running.client.get("/healthz").status_code == 503
        assert running.client.get("/readyz").status_code == 503
