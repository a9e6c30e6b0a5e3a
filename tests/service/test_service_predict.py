"""POST /predict: files, texts and JSON in; predictions, or a sentence that says why not, out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_running import Running, png

import headstart as hs


def test_a_file_is_answered_as_the_library_answers_it(running: Running, runs: list[Path]) -> None:
    files = [("file", (f"{place}.png", png(label, place))) for place, label in enumerate(["warm", "cold"])]
    answer = running.client.post("/predict", files=files).json()
    expected = hs.load(runs[0]).predict([png("warm", 0), png("cold", 1)])
    for said, wanted in zip(answer["predictions"], expected, strict=True):
        assert said["label"] == wanted.label
        assert said["scores"] == pytest.approx(dict(wanted.scores), abs=1e-4)
    assert answer["version"] == 1 and answer["milliseconds"] > 0


def test_every_way_to_send_a_file_gives_the_same_scores(running: Running) -> None:
    file, client = png("warm"), running.client
    encoded = base64.b64encode(file).decode()
    answers = [
        client.post("/predict", files={"file": file}),
        client.post("/predict", content=file, headers={"Content-Type": "image/png"}),
        client.post("/predict", content=file, headers={"Content-Type": "application/octet-stream"}),
        client.post("/predict", json={"inputs": [{"base64": encoded}]}),
        client.post("/predict", json={"inputs": [encoded]}),
        client.post("/invocations", json={"instances": [{"b64": encoded}]}),
        client.post("/invocations", json={"dataframe_records": [{"image": encoded}]}),
        client.post("/invocations", json={"dataframe_split": {"columns": ["image"], "data": [[encoded]]}}),
        client.post("/invocations", json={"inputs": {"image": [encoded]}}),
        client.post("/invocations", content=f"image\n{encoded}\n", headers={"Content-Type": "text/csv"}),
    ]
    scores = [answer.json()["predictions"][0]["scores"]["warm"] for answer in answers]
    assert scores == pytest.approx([scores[0]] * len(scores), abs=1e-5)


def test_pairs_of_texts_are_answered_whatever_the_form(start: Callable[..., Running], texts: Path) -> None:
    client = start([texts]).client
    pair = {"premise": "he moves at 3", "hypothesis": "he walks"}
    columns, cells = list(pair), list(pair.values())
    csv = f"{','.join(columns)}\n{','.join(cells)}\n"
    answers = [
        client.post("/predict", json={"inputs": [cells]}),
        client.post("/predict", json={"inputs": [pair]}),
        client.post("/invocations", json={"dataframe_records": [pair]}),
        client.post("/invocations", json={"dataframe_split": {"columns": columns, "data": [cells]}}),
        client.post("/invocations", json={"inputs": {name: [text] for name, text in pair.items()}}),
        client.post("/invocations", content=csv, headers={"Content-Type": "text/csv"}),
    ]
    assert {answer.status_code for answer in answers} == {200}
    scores = [answer.json()["predictions"][0]["scores"]["1"] for answer in answers]
    assert scores == pytest.approx([scores[0]] * len(scores), abs=1e-5)
    alone = client.post("/predict", json={"inputs": ["he moves"]})
    assert alone.status_code == 400 and "2 texts (premise, hypothesis)" in alone.json()["error"]


def test_a_model_for_texts_says_what_it_reads(start: Callable[..., Running], texts: Path) -> None:
    client = start([texts]).client
    file = client.post("/predict", json={"inputs": [{"base64": "aGVsbG8="}]})
    assert file.status_code == 400
    assert file.json()["error"] == "input 1: is a file in base64. This model reads texts; send the text."
    form = client.post("/predict", data={"text": "he moves"})
    assert form.status_code == 415
    assert "text/plain" in form.json()["error"] and "image/*" not in form.json()["error"]


WRONG = {
    "a URL": ({"inputs": [{"url": "http://127.0.0.1/a.png"}]}, "fetches nothing"),
    "a URL as text": ({"inputs": ["file:///etc/passwd"]}, "fetches nothing"),
    "no base64": ({"inputs": ["???"]}, "base64"),
    "no image": ({"inputs": [{"base64": "aGVsbG8="}]}, "input 1: the file is no intact picture"),
    "a number": ({"inputs": [3]}, "is no image"),
    "no inputs": ({}, "inputs"),
    "an empty list": ({"inputs": []}, "at least one"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_input_is_refused_with_a_reason(running: Running, case: str) -> None:
    body, reason = WRONG[case]
    answer = running.client.post("/predict", json=body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{", "application/json", 400),
        (b'{"inputs": [NaN]}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"", "image/png", 400),
        (b"x", "video/mp4", 415),
        (b"http://127.0.0.1/a.png", "text/plain", 415),
        (b"--x\r\n\r\nno", "multipart/form-data; boundary=x", 400),
        (b"no", "multipart/form-data", 400),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\na\r\n--x--\r\n',
         "multipart/form-data; boundary=x", 400),
    ],
)  # fmt: skip
def test_bodies_that_are_not_what_they_say_are_refused(
    running: Running, content: bytes, kind: str, code: int
) -> None:
    answer = running.client.post("/predict", content=content, headers={"Content-Type": kind})
    assert answer.status_code == code, answer.text
    assert answer.json()["error"]


def test_an_image_of_too_many_pixels_is_not_decoded(start: Callable[..., Running], runs: list[Path]) -> None:
    client = start(runs, pixels=1000).client
    answer = client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"})
    assert answer.status_code == 400 and "48 x 48 pixels is too large" in answer.json()["error"]


def test_what_is_not_there_or_not_done_so_is_said_in_json(running: Running) -> None:
    assert running.client.get("/nowhere").json()["error"]
    assert running.client.get("/nowhere").status_code == 404
    wrong = running.client.get("/predict")
    assert wrong.status_code == 405 and wrong.json()["error"] and wrong.headers["Allow"] == "POST"


FORM = "multipart/form-data; boundary=x"
TYPES = (FORM, "multipart/form-data", "application/json", "text/plain", "image/png", "text/csv")
PIECES = (
    *(b"--x\r\n", b"--x--\r\n", b"\r\n", b"Content-Disposition: form-data", b"; name=file"),
    *(b"; filename=a", b"; filename*=a''b", b"Content-Type: a\r\n"),
)
BODIES = st.lists(st.sampled_from(PIECES) | st.binary()).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(body=BODIES, kind=st.sampled_from(TYPES), path=st.sampled_from(["/predict", "/invocations"]))
def test_no_body_is_a_fault_of_the_service(running: Running, body: bytes, kind: str, path: str) -> None:
    answer = running.client.post(path, content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415), answer.text
    assert answer.json()["error"]
