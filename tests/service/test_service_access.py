"""Who may ask, what the log tells, and that nothing of anybody's is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from service_running import Running, png

from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.records.values import Version

TOKEN = "correct-horse"
FREE = ("/healthz", "/readyz")
GUARDED = ("/model", "/models", "/metrics", "/docs", "/openapi.json", "/ping", "/v2", "/v2/models/model")


@pytest.fixture
def guarded(start: Callable[..., Running], runs: list[Path]) -> Running:
    return start(runs, token=TOKEN)


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_without_the_right_token_nothing_but_the_page_is_answered(
    guarded: Running, given: str | None
) -> None:
    headers = {} if given is None else {"Authorization": given.encode()}
    for path in GUARDED:
        said = guarded.client.get(path, headers=headers)
        assert said.status_code == 401 and said.json()["error"]
        assert said.headers["WWW-Authenticate"] == "Bearer"
    for path in ("/predict", "/feedback", "/models/2/promote", "/models/rollback", "/invocations"):
        assert guarded.client.post(path, headers=headers).status_code == 401
    for path in FREE:
        assert guarded.client.get(path, headers=headers).status_code == 200
    assert guarded.client.get("/").status_code in (200, 404)


def test_with_the_token_all_is_answered(guarded: Running) -> None:
    for path in GUARDED:
        assert guarded.client.get(path, headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


def test_neither_tokens_nor_inputs_nor_queries_are_logged(guarded: Running) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    guarded.client.post("/predict?secret=1", json={"inputs": ["secret text"]}, headers=headers)
    guarded.client.get("/secret-address", headers={"Authorization": "Bearer secret"})
    guarded.client.request("SECRET", "/model", headers=headers)
    lines = guarded.lines()
    assert [line["route"] for line in lines][-3:] == ["/predict", "unknown", "/model"]
    assert all({"code", "milliseconds", "id", "version", "method"} <= set(line) for line in lines)
    written = guarded.log.getvalue()
    assert TOKEN not in written and "secret" not in written


def test_a_page_of_another_site_may_not_ask(running: Running) -> None:
    foreign: list[dict[str, str]] = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8000"},
        {"Host": "a:b:c"},
    ]
    for headers in foreign:
        said = running.client.post("/models/rollback", headers=headers)
        assert said.status_code == 403 and said.json()["error"], headers
    own: list[dict[str, str]] = [
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost:8000"},
        {"Host": "[::1]:8000"},
    ]
    for headers in own:
        said = running.client.post("/predict", json={"inputs": []}, headers=headers)
        assert said.status_code == 400, headers


class Broken(Exception):
    pass


@contextmanager
def broken(start: Callable[..., Running], runs: list[Path], what: str) -> Iterator[Running]:
    def open_version(version: Version) -> Model:
        model = load_bundle(Path(version.path))

        def fails(*_: Any, **__: Any) -> Any:
            raise Broken("what a client sent")

        setattr(model, what, fails)
        return model

    yield start(runs, open_version=open_version)


@pytest.mark.parametrize("what", ["answer", "view"])
def test_a_fault_of_ours_is_told_by_a_number_that_the_log_explains(
    start: Callable[..., Running], runs: list[Path], what: str
) -> None:
    with broken(start, runs, what) as running:
        said = running.client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"})
        assert said.status_code == 500
        fault = next(line for line in running.lines() if line["event"] == "fault")
        assert fault["id"] in said.json()["error"]
        assert fault["error"] == "Broken" and any("batching.py" in frame for frame in fault["traceback"])
        assert "what a client sent" not in running.log.getvalue() + said.text
        assert running.client.get("/readyz").status_code == 200


def test_what_is_served_is_told(running: Running) -> None:
    said = running.client.get("/model").json()
    assert said["labels"] == ["cold", "warm"] and said["family"] == "image" and said["columns"] == []
    assert said["several"] is False
    assert set(said["test"]["accuracy"]) == {"value", "low", "high"}
    assert said["card"].startswith(("#", "---")) and said["aliases"] == {"champion": 1}
    versions = running.client.get("/models").json()
    assert [one["path"] for one in versions] == ["run-0", "run-1"]
    assert [one["aliases"] for one in versions] == [["champion"], []]


def test_a_request_that_is_refused_is_counted_where_it_was_sent(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs, token=TOKEN, body=1000)
    client, bearing = running.client, {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/predict", content=bytes(1001), headers=bearing).status_code == 413
    compressed = {**bearing, "Content-Encoding": "gzip"}
    assert client.post("/v2/models/one/infer", content=b"no", headers=compressed).status_code == 400
    assert client.post("/models/1/promote").status_code == 401
    assert client.post("/nowhere").status_code == 401
    assert client.post("/predict/", content=bytes(1001), headers=bearing).status_code == 413
    counted = client.get("/metrics", headers=bearing).text
    for route, code in {
        "/predict": 413,
        "/v2/models/{name}/infer": 400,
        "/models/{version}/promote": 401,
    }.items():
        assert f'headstart_requests_total{{code="{code}",route="{route}"}} 1.0' in counted
    assert [line["route"] for line in running.lines()][-3:-1] == ["unknown", "unknown"]


def test_metrics_count_what_was_asked_and_said(running: Running) -> None:
    for _ in range(3):
        running.client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"})
    told = running.client.get("/metrics").text
    for name in (
        'headstart_requests_total{code="200",route="/predict"}',
        'headstart_predictions_total{label="warm",version="1"}',
        "headstart_batch_size_bucket",
        "headstart_queue_length 0.0",
        "headstart_model_version 1.0",
        "headstart_records_dropped_total 0.0",
        'headstart_request_seconds_bucket{le="0.1",route="/predict"}',
    ):
        assert name in told, name
