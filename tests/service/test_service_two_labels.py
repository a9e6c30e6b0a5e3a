"""Two labels of which one is right, although each is a question apart to the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from service_running import Running, png

import headstart as hs


def test_one_of_two_labels_is_right_also_where_one_output_speaks_for_both(
    start: Callable[..., Running], runs: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    given = {"technique": "linear-probe", "batch_size": 8, "device": "cpu", "stream": None}
    hs.fit(runs[0].parent / "data", out=out, image_size=64, settings={"train.loss": "sigmoid"}, **given)
    assert not hs.load(out).task.exclusive
    client = start([out]).client
    assert client.get("/model").json()["several"] is False
    said = client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"}).json()
    for labels in ([], ["warm", "cold"]):
        wrong = client.post("/feedback", json={"id": said["predictions"][0]["id"], "labels": labels})
        assert wrong.status_code == 400
        assert wrong.json()["error"] == "Of this model's labels, exactly one is right."
