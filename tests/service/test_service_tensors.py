"""The Open Inference Protocol: clients of others' making, and requests that lie."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_running import Child, Running, cut_by, png
from starlette.exceptions import HTTPException

import headstart as hs
from headstart.service.options import ServiceOptions
from headstart.service.tensors import read_request

INFER = "/v2/models/model/infer"

HEADER = "Inference-Header-Content-Length"


def test_the_model_answers_to_its_name_and_to_model(running: Running) -> None:
    own, usual = (running.client.get(f"/v2/models/{name}").json() for name in ("colours", "model"))
    assert own == usual and own["name"] == "colours"
    assert running.client.get("/v2/models/photos").status_code == 404


@pytest.fixture(scope="module")
def triton(served: Child) -> Any:
    import tritonclient.http as client

    with client.InferenceServerClient(f"127.0.0.1:{served.port}") as connected:
        yield client, connected


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_tritons_client_is_answered_as_the_library_answers(
    triton: Any, runs: list[Path], binary_in: bool, binary_out: bool, compression: str | None
) -> None:
    client, connected = triton
    files = [png("warm", 1), png("cold", 2), png("warm", 3)]
    model = hs.load(runs[0])
    pictures = np.stack([cut_by(model, file) for file in files])
    tensor = client.InferInput("pixels", list(pictures.shape), "UINT8")
    tensor.set_data_from_numpy(pictures, binary_data=binary_in)
    names = ("label", "score", "probabilities", "id")
    outputs = [client.InferRequestedOutput(name, binary_data=binary_out) for name in names]
    answer = connected.infer(
        "model", [tensor], outputs=outputs, request_id="7", request_compression_algorithm=compression
    )
    expected = model.predict(files)
    assert answer.get_response()["id"] == "7"
    labels = [one.decode() if binary_out else one for one in answer.as_numpy("label")]
    assert labels == [one.label for one in expected]
    wanted = [[one.scores[label] for label in model.labels] for one in expected]
    assert answer.as_numpy("probabilities") == pytest.approx(np.array(wanted), abs=1e-4)
    assert answer.as_numpy("score") == pytest.approx(np.array([one.score for one in expected]), abs=1e-4)
    assert len(set(answer.as_numpy("id"))) == 3


def test_tritons_client_finds_what_it_asks_about(triton: Any) -> None:
    client, connected = triton
    assert connected.is_server_live() and connected.is_server_ready() and connected.is_model_ready("model")
    assert connected.is_model_ready("model", "1") and not connected.is_model_ready("model", "9")
    assert "binary_tensor_data" in connected.get_server_metadata()["extensions"]
    stated = connected.get_model_metadata("model")
    assert [one["name"] for one in stated["inputs"]] == ["image", "pixels"]
    with pytest.raises(client.InferenceServerException, match="There is no such model"):
        connected.get_model_metadata("other")


def test_files_go_as_bytes_and_in_json_as_base64(triton: Any, served: Child) -> None:
    client, connected = triton
    files = [png("warm", 1), png("cold", 2)]
    tensor = client.InferInput("image", [2], "BYTES")
    tensor.set_data_from_numpy(np.array(files, dtype=np.object_), binary_data=True)
    binary = connected.infer("model", [tensor]).as_numpy("probabilities")
    encoded = [base64.b64encode(file).decode() for file in files]
    body = {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [2], "data": encoded}]}
    answer = httpx.post(served.url + INFER, json=body).json()
    (said,) = (one for one in answer["outputs"] if one["name"] == "probabilities")
    assert np.reshape(said["data"], said["shape"]) == pytest.approx(binary, abs=1e-5)


def test_texts_are_a_tensor_for_each_column(start: Callable[..., Running], texts: Path) -> None:
    running = start([texts], name="pairs")
    stated = running.client.get("/v2/models/pairs").json()["inputs"]
    assert [one["name"] for one in stated] == ["premise", "hypothesis"]
    inputs = [
        {"name": "premise", "datatype": "BYTES", "shape": [2], "data": ["he moves at 3", "he sleeps at 4"]},
        {"name": "hypothesis", "datatype": "BYTES", "shape": [2], "data": ["he walks", "he walks"]},
    ]
    answer = running.client.post("/v2/models/pairs/infer", json={"inputs": inputs}).json()
    labels = next(one["data"] for one in answer["outputs"] if one["name"] == "label")
    expected = hs.load(texts).predict([("he moves at 3", "he walks"), ("he sleeps at 4", "he walks")])
    assert labels == [one.label for one in expected]


SHAPE, SIZE = [1, 64, 64, 3], 64 * 64 * 3
TENSOR = {"name": "pixels", "datatype": "UINT8", "shape": SHAPE, "parameters": {"binary_data_size": SIZE}}
LIES: dict[str, dict[str, Any]] = {
    "wrong dtype": {"datatype": "FP32"},
    "wrong name": {"name": "picture"},
    "no shape": {"shape": None},
    "wrong shape": {"shape": [1, SIZE]},
    "negative dimension": {"shape": [-1, -64, 64, 3]},
    "more than there is": {"shape": [2, 64, 64, 3]},
    "far more than there is": {"shape": [2**30, 2**30, 2**30, 3]},
    "dimensions beyond counting": {"shape": [10**400, 64, 64, 3]},
    "another size than the network's": {"shape": [1, 32, 128, 3]},
    "no elements": {"shape": [0, 64, 64, 3], "parameters": {"binary_data_size": 0}},
    "no elements, of sizes beyond counting": {
        "shape": [0, *[2**31 - 1] * 7],
        "parameters": {"binary_data_size": 0},
    },
    "size lie": {"parameters": {"binary_data_size": SIZE - 1}},
    "large size lie": {"parameters": {"binary_data_size": 10**12}},
    "negative size": {"parameters": {"binary_data_size": -1}},
    "size and data": {"data": [0] * SIZE},
    "neither": {"parameters": {}},
    "shared memory": {"parameters": {"shared_memory_region": "r"}},
    "bytes that are not": {"datatype": "BYTES", "shape": [1]},
}


def test_a_tensor_that_does_not_lie_is_answered(running: Running) -> None:
    head = json.dumps({"inputs": [TENSOR]}).encode()
    answer = running.client.post(INFER, content=head + bytes(SIZE), headers={HEADER: str(len(head))})
    assert answer.status_code == 200


@pytest.mark.parametrize("lie", LIES)
def test_a_tensor_that_lies_is_refused(running: Running, lie: str) -> None:
    head = json.dumps({"inputs": [{**TENSOR, **LIES[lie]}]}).encode()
    headers = {HEADER: str(len(head)), "Content-Type": "application/octet-stream"}
    answer = running.client.post(INFER, content=head + bytes(SIZE), headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert running.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("length", ["-1", "999999", "1e3", "", "٣", "0", "9" * 40, "9" * 9000])
def test_a_length_of_the_head_that_lies_is_refused(running: Running, length: str) -> None:
    head = json.dumps({"inputs": [TENSOR]}).encode()
    headers = {HEADER.encode(): length.encode()}
    answer = running.client.post(INFER, content=head + bytes(SIZE), headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]


JSON_LIES: dict[str, Any] = {
    "fractions": [0.5] * SIZE,
    "too large": [256] * SIZE,
    "negative": [-1] * SIZE,
    "truth values": [True] * SIZE,
    "texts": ["1"] * SIZE,
    "nothing": [None] * SIZE,
    "very large": [10**30] * SIZE,
    "ragged": [[0] * (SIZE // 2), [0] * (SIZE // 2 - 1)],
    "too few": [0] * (SIZE - 1),
    "too many": [0] * (SIZE + 1),
    "an object": {},
    "a text": "AAAA",
    "a number": 7,
    "none": [],
}


@pytest.mark.parametrize("lie", JSON_LIES)
def test_numbers_that_are_no_pixels_are_refused(running: Running, lie: str) -> None:
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": SHAPE, "data": JSON_LIES[lie]}
    answer = running.client.post(INFER, json={"inputs": [tensor]})
    assert answer.status_code == 400 and answer.json()["error"]


def test_an_element_that_says_it_is_longer_than_all_is_refused(running: Running) -> None:
    for tail in (struct.pack("<I", 2**32 - 1) + b"ab", struct.pack("<I", 1) + b"ab", b"\1\0"):
        tensor = {"name": "image", "datatype": "BYTES", "shape": [1]}
        head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(tail)}}]}).encode()
        answer = running.client.post(INFER, content=head + tail, headers={HEADER: str(len(head))})
        assert answer.status_code == 400 and answer.json()["error"]


def test_deep_lists_are_refused(running: Running) -> None:
    for datatype, name in (("UINT8", "pixels"), ("BYTES", "image")):
        data = "[" * 900 + "1" + "]" * 900
        tensor = f'{{"name": "{name}", "datatype": "{datatype}", "shape": [1], "data": {data}}}'
        answer = running.client.post(INFER, content=f'{{"inputs": [{tensor}]}}'.encode())
        assert answer.status_code == 400 and answer.json()["error"]


HOSTILE: dict[str, tuple[str, list[Any], list[int]]] = {
    "one long text among numbers": ("UINT8", [0] * 2000 + ["x" * 50_000], [2001]),
    "one long text among many": ("UINT8", ["x"] * 2000 + ["x" * 50_000], [2001]),
    "one large number": ("UINT8", [0] * 2000 + [10**4000], [2001]),
    "more numbers than the shape says": ("UINT8", [0] * 1_000_000, [1]),
    "more lists than the shape says": ("UINT8", [[0]] * 200_000, [1]),
    "more texts than the shape says": ("BYTES", ["x"] * 1_000_000, [1]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_data_that_its_shape_does_not_announce_takes_little_memory(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    datatype, data, shape = HOSTILE[case]
    stated = {"inputs": [{"name": "pixels", "datatype": datatype, "shape": shape, "data": data}]}
    monkeypatch.setattr("headstart.service.tensors.read_json", lambda body: stated)
    tracemalloc.start()
    try:
        with pytest.raises(HTTPException) as refused:
            read_request(b"", None, 256)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.status_code == 400
    assert peak < 100_000


def test_more_elements_than_there_may_be_inputs_are_not_read() -> None:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [9]}
    tail = struct.pack("<I", 0) * 9
    for carried in ({"data": ["eA=="] * 9}, {"parameters": {"binary_data_size": len(tail)}}):
        head = json.dumps({"inputs": [{**tensor, **carried}]}).encode()
        with pytest.raises(HTTPException) as refused:
            read_request(head + tail, str(len(head)), 8)
        assert refused.value.status_code == 413


@pytest.mark.parametrize(
    ("data", "reason"), [([3], "must have strings as elements"), (["a", "b"], "must have 1 string,")]
)
def test_elements_of_the_wrong_type_and_too_many_are_told_apart(data: list[Any], reason: str) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": data}
    with pytest.raises(HTTPException, match=reason):
        read_request(json.dumps({"inputs": [tensor]}).encode(), None, 8)


def test_a_batch_of_usual_photos_goes_as_json() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (8, 224, 224, 3), np.uint8)
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": list(pictures.shape), "data": pictures.tolist()}
    body = json.dumps({"inputs": [tensor]}).encode()
    assert len(body) < ServiceOptions().json
    assert np.array_equal(read_request(body, None, 256).tensors["pixels"].data, pictures)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
SIZES = st.integers(-2, 4) | st.sampled_from([2**31 - 1, 2**31, 10**30])
PARAMETERS = st.fixed_dictionaries({}, optional={"binary_data_size": ANYTHING | st.integers(0, 20)})
ALMOST = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["pixels", "image"]) | ANYTHING,
        "datatype": st.sampled_from(["UINT8", "BYTES"]) | ANYTHING,
        "shape": st.lists(SIZES, max_size=8) | ANYTHING,
    },
    optional={"data": ANYTHING, "parameters": PARAMETERS | ANYTHING},
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(ALMOST, max_size=3) | ANYTHING},
    optional={"id": ANYTHING, "outputs": ANYTHING | st.lists(ANYTHING), "parameters": ANYTHING},
)


@settings(max_examples=150, deadline=None)
@given(request=REQUESTS | ANYTHING, tail=st.binary(max_size=24), shift=st.integers(-3, 3) | st.none())
def test_no_request_is_a_fault_of_the_service(
    running: Running, request: Any, tail: bytes, shift: int | None
) -> None:
    head = json.dumps(request).encode()
    headers = {} if shift is None else {HEADER: str(len(head) + shift)}
    answer = running.client.post(INFER, content=head + tail, headers=headers)
    assert answer.status_code in (200, 400, 413), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]
