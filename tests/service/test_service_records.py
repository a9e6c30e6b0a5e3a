"""What is recorded of answers, what is said of them, and that none of it stands in the way of an answer."""

from __future__ import annotations

import hashlib
import io
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from service_running import Running, cut_by, png

import headstart as hs
from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.errors import DiskFull
from headstart.records.values import Version


def predicted(running: Running, file: bytes = b"") -> dict[str, Any]:
    said = running.client.post("/predict", content=file or png("warm"), headers={"Content-Type": "image/png"})
    assert said.status_code == 200, said.text
    answer: dict[str, Any] = said.json()["predictions"][0]
    return answer


def test_an_answer_is_recorded_with_what_it_said(start: Callable[..., Running], runs: list[Path]) -> None:
    running = start(runs)
    said = predicted(running)
    assert running.service.recorder.flush(60)
    (row,) = running.records.predictions()
    assert (row.id, row.version, row.label) == (said["id"], 1, said["label"])
    assert row.scores == pytest.approx(tuple(said["scores"].values()), abs=1e-6)
    assert row.input_hash == hashlib.sha256(png("warm")).hexdigest()
    assert row.features is not None and row.features.ndim == 1
    assert row.milliseconds > 0
    assert running.records.input_of(row.id) is None


@pytest.mark.parametrize("wrong", ["score", "scores"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_neither_said_nor_recorded(
    start: Callable[..., Running], runs: list[Path], wrong: str, value: float
) -> None:
    def open_version(version: Version) -> Model:
        model = load_bundle(Path(version.path))
        answer = model.answer

        def broken(*given: Any) -> Any:
            answers = answer(*given)
            told = {"score": value} if wrong == "score" else {"scores": {"warm": value}}
            return [replace(one, prediction=replace(one.prediction, **told)) for one in answers]

        model.answer = broken  # type: ignore[method-assign]
        return model

    running = start(runs, open_version=open_version)
    said = running.client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"})
    assert said.status_code == 500 and "no finite score" in said.json()["error"]
    assert running.service.recorder.flush(60)
    assert running.records.predictions() == []


def test_inputs_are_kept_by_consent_in_a_form_that_opens_again(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs, keep_inputs=True)
    assert running.client.get("/model").json()["consent"]
    first = predicted(running)
    picture = cut_by(hs.load(runs[0]), png("cold"))
    tensor = {
        "name": "pixels",
        "datatype": "UINT8",
        "shape": [1, 64, 64, 3],
        "data": picture.ravel().tolist(),
    }
    said = running.client.post("/v2/models/model/infer", json={"inputs": [tensor]}).json()
    second = next(one["data"][0] for one in said["outputs"] if one["name"] == "id")
    assert running.service.recorder.flush(60)
    assert running.records.input_of(first["id"]) == ("image/png", png("warm"))
    kept = running.records.input_of(second)
    assert kept is not None and kept[0] == "image/png"
    with Image.open(io.BytesIO(kept[1])) as again:
        assert (np.asarray(again) == picture).all()


def test_feedback_finds_a_prediction_that_was_answered_this_very_moment(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs)
    for label in ("warm", "cold", "warm"):
        id = predicted(running)["id"]
        said = running.client.post("/feedback", json={"id": id, "label": label})
        assert said.json() == {"id": id, "labels": [label]}
    assert [one.labels for _, one in running.records.feedback()] == [("warm",), ("cold",), ("warm",)]


def test_feedback_must_name_a_label_that_the_model_knows_or_say_that_it_is_new(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs)
    id = predicted(running)["id"]
    wrong = running.client.post("/feedback", json={"id": id, "label": "wram"})
    assert wrong.status_code == 400 and "Did you mean 'warm'?" in wrong.json()["error"]
    assert running.client.post("/feedback", json={"id": id, "label": "hot", "new": True}).status_code == 200
    wrong = running.client.post("/feedback", json={"id": id, "label": "hot|cold", "new": True})
    assert wrong.status_code == 400 and "has a |" in wrong.json()["error"]
    for twin in ("Warm", "w arm"):
        wrong = running.client.post("/feedback", json={"id": id, "label": twin, "new": True})
        assert wrong.status_code == 400 and "Did you mean 'warm'?" in wrong.json()["error"]
    assert running.client.post("/feedback", json={"id": "0" * 32, "label": "warm"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {}, {"id": 3, "label": "warm"}, {"id": "", "label": "warm"}, {"id": "x" * 999, "label": "warm"},
        {"id": "a"}, {"id": "a", "label": "warm", "labels": ["warm"]}, {"id": "a", "label": ""},
        {"id": "a", "label": "x" * 999, "new": True}, {"id": "a", "labels": []},
        {"id": "a", "labels": "warm"}, {"id": "a", "labels": ["warm", "cold"]}, {"id": "a", "label": 3},
        {"id": "a", "label": "warm", "new": 1}, {"id": "a", "label": "\ud800", "new": True},
        {"id": "a", "label": "a\nb", "new": True}, [], "a",
    ],
    ids=str,
)  # fmt: skip
def test_feedback_that_is_none_is_refused(running: Running, body: Any) -> None:
    said = running.client.post("/feedback", content=json.dumps(body))
    assert said.status_code == 400 and said.json()["error"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"label": "  warm "}, "The label '  warm ' begins or ends with a blank."),
        ({"label": "\0"}, r"The label '\x00' has a character that cannot be shown."),
        ({"label": "\ud800"}, r"The label '\ud800' has a character that cannot be shown."),
        ({"label": 3}, "A label must be a string."),
        ({"label": ""}, "A label has 1 to 200 characters; one has 0."),
        ({"labels": ["x" * 201]}, "A label has 1 to 200 characters; one has 201."),
        ({"labels": "warm"}, "`labels` must be a list."),
        ({"labels": ["x"] * 201}, "There are 201 labels; an input may have 200."),
    ],
)
def test_a_label_that_is_none_is_refused_with_its_own_reason(
    running: Running, said: dict[str, Any], reason: str
) -> None:
    answer = running.client.post("/feedback", content=json.dumps({"id": "a", "new": True, **said}))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(reason)


def test_only_a_share_is_recorded(start: Callable[..., Running], runs: list[Path]) -> None:
    running = start(runs, sample=0.0)
    id = predicted(running)["id"]
    assert running.client.post("/feedback", json={"id": id, "label": "warm"}).status_code == 404
    assert running.records.predictions() == []


def test_a_full_disk_stops_no_answer_and_is_counted(
    start: Callable[..., Running], runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(runs)
    # As where the file system has no room; SQLite's own behaviour there is tested with the records.
    monkeypatch.setattr(running.records, "add_predictions", failing)
    monkeypatch.setattr(running.records, "add_feedback", failing)
    id = predicted(running)["id"]
    running.service.recorder.flush(60)
    assert "headstart_records_dropped_total 1.0" in running.client.get("/metrics").text
    said = running.client.post("/feedback", json={"id": id, "label": "warm"})
    assert said.status_code == 503 and said.headers["Retry-After"]
    monkeypatch.undo()
    predicted(running)
    running.service.recorder.flush(60)
    assert len(running.records.predictions()) == 1


def failing(*_: Any) -> None:
    raise DiskFull("records.sqlite", 1, 0)


def test_what_was_answered_is_written_before_the_end(
    start: Callable[..., Running], runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.service.recording.PAUSE", 60.0)
    running = start(runs)
    write = running.records.add_predictions
    monkeypatch.setattr(running.records, "add_predictions", lambda rows: (time.sleep(0.3), write(rows)))
    for _ in range(3):
        predicted(running)
    assert running.records.predictions() == []
    running.service.end()
    assert len(running.records.predictions()) == 3


def test_records_that_are_slow_slow_no_answer_down(
    start: Callable[..., Running], runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(runs)
    go_on = threading.Event()
    write = running.records.add_predictions
    monkeypatch.setattr(running.records, "add_predictions", lambda rows: (go_on.wait(60), write(rows)))
    for _ in range(5):
        predicted(running)
    assert running.records.predictions() == []
    go_on.set()
    assert running.service.recorder.flush(60)
    assert len(running.records.predictions()) == 5
