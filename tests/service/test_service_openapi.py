"""The OpenAPI page tells the truth: nothing is answered that it does not say."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from service_running import Child, Running, child

from headstart.service.examples import ID

# No schema can say which bytes are an image, or which labels a model has.
BEYOND_SCHEMAS = "positive_data_acceptance"


def judge(served: Child, folder: Path, *given: str) -> None:
    """Let schemathesis look for faults, and for answers that the page does not allow."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json", "--no-color"]
    # Warnings that are errors here are no matter of its own packages.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    found = subprocess.run(
        [*command, "--exclude-checks", BEYOND_SCHEMAS, "--generation-database", "none", *given],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def test_a_few_requests_of_schemathesis_find_no_lie(served: Child, tmp_path: Path) -> None:
    judge(served, tmp_path, "--phases", "fuzzing", "--max-examples", "8")


@pytest.mark.slow
def test_requests_of_schemathesis_to_a_model_for_texts_find_no_lie(texts: Path, tmp_path: Path) -> None:
    with child(tmp_path, [texts]) as served:
        judge(served, tmp_path, "--max-examples", "30")


@pytest.mark.slow
def test_many_requests_of_schemathesis_find_no_lie(served: Child, tmp_path: Path) -> None:
    judge(served, tmp_path, "--max-examples", "60")


def test_every_address_is_on_the_page_and_every_address_of_the_page_is_there(running: Running) -> None:
    stated = running.client.get("/openapi.json").json()
    written = {
        (route.path, method.lower())  # type: ignore[attr-defined]
        for route in running.client.app.routes  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}
    }
    assert written == {(path, method) for path, item in stated["paths"].items() for method in item}


def exemplified(running: Running) -> Iterator[tuple[str, str, str]]:
    """Address, media type and body of every example."""
    for path, item in running.client.get("/openapi.json").json()["paths"].items():
        for operation in item.values():
            parameters = {one["name"]: one["example"] for one in operation.get("parameters", ())}
            for media_type, one in operation.get("requestBody", {}).get("content", {}).items():
                if (body := one.get("example")) is not None:
                    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
                    yield path.format(**parameters), media_type, text


@pytest.mark.parametrize("kind", ["runs", "texts", "single_texts"])
def test_every_example_is_taken_as_it_stands(
    kind: str, start: Callable[..., Running], request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(kind)
    running = start(run if kind == "runs" else [run])
    found, asked = list(exemplified(running)), ""
    for path, media_type, body in found:
        # Only whoever was answered has an id.
        body = body.replace(ID, asked)
        said = running.client.post(path, content=body.encode(), headers={"Content-Type": media_type})
        assert said.status_code == 200, (path, media_type, said.text)
        asked = said.json()["predictions"][0]["id"] if path == "/predict" else asked
    stated = running.client.get("/openapi.json").json()["paths"].values()
    assert len({path for path, *_ in found}) == sum("requestBody" in item.get("post", {}) for item in stated)


def test_an_example_is_in_the_list_for_people_as_it_is_sent(running: Running) -> None:
    page = html.unescape(running.client.get("/docs").text)
    found = list(exemplified(running))
    assert found and all(body in page for _, _, body in found)


def test_the_list_for_people_needs_nothing_else(running: Running) -> None:
    page = running.client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "/predict" in page.text and "http" not in page.text.replace("http-equiv", "")
    assert "<script" not in page.text and "<link" not in page.text


def test_the_page_and_its_parts_come_with_a_policy_that_lets_nothing_else_in(running: Running) -> None:
    page = running.client.get("/")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert running.client.get("/page.js").headers["Content-Type"].startswith("text/javascript")
    assert "--paper: #ffffff" in running.client.get("/page.css").text
    for away in ("/page.nothing", "/page.js.map", "/page.../../options.py", "/page.%2e%2e%2foptions.py"):
        assert running.client.get(away).status_code == 404
