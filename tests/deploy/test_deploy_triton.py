"""A Triton model repository: a configuration that fits its graph, and a client that answers right.

Triton is no package of Python's; its messages and its wire format come from its own client library, and a
server of this file stands for it, with ONNX Runtime behind.
"""

from __future__ import annotations

import io
import json
import re
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import headstart as hs
from headstart.artifact.deploy.ports import ports_of
from headstart.artifact.deploy.target import Source
from headstart.artifact.deploy.triton import computation

Deploy = Callable[..., Path]
TYPES = {"TYPE_UINT8": np.uint8, "TYPE_INT64": np.int64, "TYPE_FP32": np.float32}


def facts_of(engine: str, precision: str) -> Source:
    """An export, as far as its facts go."""
    facts = {"engine": {"format": engine, "precision": precision}}
    return Source(Path(), SimpleNamespace(facts=facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "precision", "said"),
    [
        ("onnx", "fp32", "onnxruntime (fp32)"),
        ("openvino", "bf16", "openvino (bf16 where the processor computes it, else fp32)"),
        ("openvino", "fp32", "openvino (bf16 where the processor computes it, else fp32)"),
        ("openvino", "int8", "openvino (int8)"),
    ],
)
def test_the_precision_that_is_told_is_the_one_that_triton_computes_in(
    engine: str, precision: str, said: str
) -> None:
    assert computation(facts_of(engine, precision)) == said


def read_config(path: Path) -> dict[str, Any]:
    """The text form of protobuf, as far as these files go: fields, lists and messages."""
    text = re.sub(r"(\w+) ([\[{])", r"\1: \2", path.read_text())
    text = re.sub(r"\bTYPE_\w+|\bKIND_\w+", lambda found: f'"{found[0]}"', text)
    text = re.sub(r"^( *)(\w+):", r'\1"\2":', text, flags=re.MULTILINE)
    text = re.sub(r"(?<=[\w\"\]}])\n(?= *\")", ",\n", text)
    config: dict[str, Any] = json.loads("{" + text + "}")
    return config


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("images", "onnx"),
        ("images", "openvino"),
        ("pairs", "onnx"),
        pytest.param("pairs", "openvino", marks=pytest.mark.slow),
    ],
)
def test_the_configuration_says_what_the_graph_takes_and_gives(
    form: str, kind: str, deploy: Deploy, request: pytest.FixtureRequest
) -> None:
    folder = deploy(request.getfixturevalue(kind), "triton", form=form, name="some-model")
    config = read_config(folder / "some-model" / "config.pbtxt")
    files = {file.name: file.read_bytes() for file in (folder / "some-model" / "1").iterdir()}
    inputs, outputs = ports_of(form, files)
    assert config["name"] == "some-model"
    assert config["backend"] == {"onnx": "onnxruntime", "openvino": "openvino"}[form]
    # Triton prepends the axis of the batch where it makes batches.
    batch = [-1] if config["max_batch_size"] else []
    for stated, ports in ((config["input"], inputs), (config["output"], outputs)):
        assert [one["name"] for one in stated] == [port.name for port in ports]
        assert [(*batch, *one["dims"]) for one in stated] == [port.dims for port in ports]
        assert [np.dtype(TYPES[one["data_type"]]).name for one in stated] == [port.dtype for port in ports]
        assert all(port.dims[0] == -1 for port in ports)
    facts = json.loads((folder / "some-model" / "bundle.json").read_text())
    assert [port.name for port in inputs] == [one["name"] for one in facts["engine"]["inputs"]]
    (named,) = (one for one in config["output"] if "label_filename" in one)
    labels = (folder / "some-model" / named["label_filename"]).read_text().splitlines()
    assert labels == facts["labels"]
    assert named["dims"][-1] == len(labels)


def test_openvino_is_given_whole_batches_and_onnx_runtime_has_them_made(images: Path, deploy: Deploy) -> None:
    made = read_config(
        deploy(images, "triton", form="onnx", name="a", max_batch=4, max_wait_ms=2.5) / "a/config.pbtxt"
    )
    assert made["max_batch_size"] == 4
    assert made["dynamic_batching"] == {"max_queue_delay_microseconds": 2500}
    # Its backend refuses batches of any other size than max_batch_size, and GPUs.
    whole = read_config(
        deploy(images, "triton", form="openvino", name="some-model") / "some-model/config.pbtxt"
    )
    assert whole["max_batch_size"] == 0
    assert "dynamic_batching" not in whole
    assert whole["instance_group"] == [{"kind": "KIND_CPU"}]


def test_the_configuration_is_one_to_triton_s_own_messages(images: Path, pairs: Path, deploy: Deploy) -> None:
    pytest.importorskip("grpc")
    text_format = pytest.importorskip("google.protobuf.text_format")
    messages = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    for run in (images, pairs):
        for form in ("onnx", "openvino"):
            file = deploy(run, "triton", form=form, name="some-model") / "some-model" / "config.pbtxt"
            parsed = text_format.Parse(file.read_text(), messages.ModelConfig())
            assert parsed.name == "some-model"
            assert parsed.max_batch_size == read_config(file)["max_batch_size"]


class StandIn:
    """What Triton's HTTP server says of one model, computed by ONNX Runtime."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.config = read_config(folder / "config.pbtxt")
        self.session = onnxruntime.InferenceSession(folder / "1" / "model.onnx")
        self.batches: list[int] = []
        self.headers: list[str | None] = []

    def app(self) -> Starlette:
        base = f"/v2/models/{self.name}"
        return Starlette(
            routes=[
                Route(f"{base}/config", self.configured),
                Route(f"{base}/infer", self.infer, methods=["POST"]),
            ]
        )

    async def configured(self, request: Request) -> Response:
        self.headers.append(request.headers.get("x-asked-by"))
        return JSONResponse(self.config)

    async def infer(self, request: Request) -> Response:
        body = await request.body()
        length = int(request.headers["inference-header-content-length"])
        asked, rest = json.loads(body[:length]), body[length:]
        given = {}
        types = {one["name"]: TYPES[one["data_type"]] for one in self.config["input"]}
        for one in asked["inputs"]:
            size = one["parameters"]["binary_data_size"]
            given[one["name"]] = np.frombuffer(rest[:size], types[one["name"]]).reshape(one["shape"])
            rest = rest[size:]
        self.batches.append(len(next(iter(given.values()))))
        if self.batches[-1] > self.config["max_batch_size"]:
            return JSONResponse({"error": "batch-size"}, status_code=400)
        (logits,) = self.session.run([one["name"] for one in asked["outputs"]], given)
        content = logits.tobytes()
        output = {"name": "logits", "datatype": "FP32", "shape": list(logits.shape)}
        output["parameters"] = {"binary_data_size": len(content)}
        head = json.dumps({"model_name": self.name, "outputs": [output]}).encode()
        return Response(head + content, headers={"Inference-Header-Content-Length": str(len(head))})


@pytest.fixture
def listening() -> Iterator[Callable[[StandIn], str]]:
    servers = []

    def start(stand_in: StandIn) -> str:
        server = uvicorn.Server(uvicorn.Config(stand_in.app(), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            thread.join(0.01)
        return f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()


def asked(folder: Path, *arguments: object) -> str:
    """What the client prints, run as it is from the command line."""
    command = [str(folder / "client.py"), *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(sys, "argv", command)
        runpy.run_path(command[0], run_name="__main__")
    return printed.getvalue()


def test_the_client_says_what_headstart_says(
    images: Path,
    pairs: Path,
    photo: bytes,
    deploy: Deploy,
    tmp_path: Path,
    listening: Callable[[StandIn], str],
) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo)
    two = ("he sleeps now", "he walks")
    cases = ((images, [tmp_path / "photo.jpg"], tmp_path / "photo.jpg"), (pairs, [json.dumps(two)], two))
    for run, arguments, value in cases:
        folder = deploy(run, "triton", form="onnx", name="a", max_batch=4, max_wait_ms=2.5)
        stand_in = StandIn(folder / "a")
        url = listening(stand_in)
        agreed, answer = asked(folder, url, *arguments, "--check", "--header", "X-Asked-By:me").splitlines()
        assert "golden samples agree" in agreed
        expected = hs.load(run).predict([value])[0]
        assert json.loads(answer)["scores"] == pytest.approx(expected.scores, abs=0.002)
        # No more rows at once than the server takes, though headstart would have taken eight.
        assert max(stand_in.batches) == 4
        assert stand_in.headers == ["me"]
