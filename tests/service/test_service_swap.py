"""Another model takes over without a request lost; a bad one is refused, and the old one stays."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_running import Running, png

from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.errors import DiskFull
from headstart.records.records import Records
from headstart.records.values import Version
from headstart.service.clock import now
from headstart.service.slot import Refused

PATIENCE = 60.0


def version_of(running: Running) -> int:
    said = running.client.post("/predict", content=png("warm"), headers={"Content-Type": "image/png"})
    assert said.status_code == 200, said.text
    number: int = said.json()["version"]
    return number


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def bad(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose weights are damaged."""
    folder = tmp_path_factory.mktemp("bad") / "run"
    shutil.copytree(runs[1], folder)
    weights = bytearray((folder / "model" / "weights.safetensors").read_bytes())
    weights[-9] ^= 1
    (folder / "model" / "weights.safetensors").write_bytes(weights)
    return folder


def opened(version: Version) -> Model:
    """Opens versions as they are at the moment."""
    return load_bundle(Path(version.path))


def other_answers(version: Version) -> Model:
    """Opens versions, of which the second has forgotten what it once said."""
    model = load_bundle(Path(version.path))
    if version.number == 2:
        said = tuple({**one, "label": "forgotten"} for one in model.golden.predictions)
        model.golden = replace(model.golden, predictions=said)
    return model


def test_a_promoted_model_answers_and_rollback_brings_the_old_one_back(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs)
    assert version_of(running) == 1
    said = running.client.post("/models/2/promote")
    assert said.json() == {"version": 2, "aliases": {"champion": 2}, "pending": False}
    assert version_of(running) == 2 and running.client.get("/model").json()["version"] == 2
    assert running.client.post("/models/rollback").json()["version"] == 1
    assert version_of(running) == 1
    again = running.client.post("/models/rollback")
    assert again.status_code == 409 and "POST /models/2/promote" in again.json()["error"]
    assert [one.kind for one in running.records.decisions()] == ["promote", "rollback"]
    assert 'headstart_swaps_total{outcome="done"} 2.0' in running.client.get("/metrics").text


def test_there_is_no_version_of_a_number_that_nobody_added(running: Running) -> None:
    for number in ("99", "9" * 30, "9" * 5000, "0", "-1", "٣", "one"):
        said = running.client.post(f"/models/{number}/promote")
        assert said.status_code == 404 and said.json()["error"]


# Of which no number of a version that is there can be made.
OTHERS = st.characters(codec="utf-8", exclude_characters="/12")


@settings(max_examples=50, deadline=None)
@given(number=st.text(OTHERS, min_size=1) | st.sampled_from(["9" * 18, "9" * 19, "9" * 5000]))
def test_no_number_of_a_version_is_a_fault_of_the_service(running: Running, number: str) -> None:
    said = running.client.post(f"/models/{quote(number, safe='')}/promote")
    assert said.status_code == 404 and said.json()["error"]


def test_a_damaged_model_is_refused_and_the_old_one_stays(
    start: Callable[..., Running], runs: list[Path], bad: Path
) -> None:
    running = start([runs[0], bad], open_version=opened)
    said = running.client.post("/models/2/promote")
    assert said.status_code == 409 and "sha256" in said.json()["error"]
    assert version_of(running) == 1 and running.records.aliases() == {"champion": 1}
    assert running.records.decisions()[-1].outcome == "refused"


def test_a_model_that_answers_otherwise_than_it_did_is_refused(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs, open_version=other_answers)
    said = running.client.post("/models/2/promote")
    assert said.status_code == 409 and "golden samples" in said.json()["error"]
    assert version_of(running) == 1


def test_what_another_process_promotes_takes_over(start: Callable[..., Running], runs: list[Path]) -> None:
    running = start(runs, poll=0.02)
    running.records.set_alias("champion", 2, why="by hand")
    until(lambda: version_of(running) == 2)


def test_a_bad_model_that_another_process_promotes_is_set_back(
    start: Callable[..., Running], runs: list[Path], bad: Path
) -> None:
    running = start([runs[0], bad], poll=0.02, open_version=opened)
    running.records.set_alias("champion", 2, why="by hand")
    until(lambda: running.records.aliases() == {"champion": 1})
    assert version_of(running) == 1
    said = [(one.kind, one.version, one.outcome) for one in running.records.decisions()]
    assert said == [("swap", 2, "refused"), ("restore", 1, "done")]


def test_a_bad_model_is_set_back_later_where_the_records_fail_at_first(
    start: Callable[..., Running], runs: list[Path], bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def noted(version: Version) -> Model:
        tried.append(version.number)
        return opened(version)

    running = start([runs[0], bad], poll=0.02, open_version=noted)
    running.records.set_alias("champion", 2, why="by hand")
    with monkeypatch.context() as patch:
        failed = threading.Event()
        patch.setattr(running.records, "succeed", lambda *_, **__: failing(failed))
        assert failed.wait(PATIENCE)
    until(lambda: running.records.aliases() == {"champion": 1})
    assert tried == [1, 2] and version_of(running) == 1


def failing(failed: threading.Event) -> None:
    failed.set()
    raise DiskFull("records.sqlite", 1, 0)


def test_a_rollback_to_a_model_that_is_gone_changes_nothing(
    start: Callable[..., Running], runs: list[Path], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(runs[0], gone)
    running = start([gone, runs[1]], open_version=opened)
    assert running.client.post("/models/2/promote").status_code == 200
    shutil.rmtree(gone)
    before = running.records.history("champion")
    assert running.client.post("/models/rollback").status_code == 409
    assert version_of(running) == 2 and running.records.history("champion") == before


class Meanwhile:
    """Opens versions; while one is opened, another process makes the third champion."""

    def __init__(self) -> None:
        self.records: Records | None = None

    def __call__(self, version: Version) -> Model:
        if self.records is not None:
            self.records.set_alias("champion", 3, why="by hand")
        return opened(version)


@pytest.mark.parametrize("change", ["1/promote", "rollback"])
def test_a_champion_that_another_process_chose_meanwhile_stays_it(
    start: Callable[..., Running], runs: list[Path], tmp_path: Path, change: str
) -> None:
    meanwhile = Meanwhile()
    (tmp_path / "third").symlink_to(runs[1])
    running = start([*runs, tmp_path / "third"], open_version=meanwhile)
    assert running.client.post("/models/2/promote").status_code == 200
    meanwhile.records = running.records
    said = running.client.post(f"/models/{change}")
    assert said.status_code == 409 and "meanwhile" in said.json()["error"]
    assert version_of(running) == 2 and running.records.aliases() == {"champion": 3}
    assert [one.kind for one in running.records.decisions()] == ["promote"]


def test_a_third_that_is_chosen_while_a_bad_one_is_refused_is_not_overruled(
    start: Callable[..., Running], runs: list[Path], bad: Path
) -> None:
    meanwhile = Meanwhile()
    running = start([runs[0], bad, runs[1]], open_version=meanwhile)
    meanwhile.records = running.records
    running.records.set_alias("champion", 2, why="by hand")
    assert running.client.portal is not None
    with pytest.raises(Refused):
        running.client.portal.call(running.service.slot.look)
    assert running.records.aliases() == {"champion": 3}
    running.client.portal.call(running.service.slot.look)
    assert version_of(running) == 3


def test_a_model_that_nobody_asks_any_more_leaves_memory(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs, open_version=opened)
    version_of(running)
    old = running.service.slot.current
    batcher, model = old.batcher, weakref.ref(old.model)
    del old
    assert running.client.post("/models/2/promote").status_code == 200
    assert batcher.join(PATIENCE)
    del batcher
    gc.collect()
    assert model() is None


def test_a_request_is_answered_by_the_model_that_was_there_when_it_came(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(version: Version) -> Model:
        model = load_bundle(Path(version.path))
        if version.number == 1:
            model.answer = held(model.answer)  # type: ignore[method-assign]
        return model

    def held(answer: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*given: Any) -> Any:
            began.set()
            go_on.wait(PATIENCE)
            return answer(*given)

        return wait

    running = start(runs, open_version=slow)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(version_of(running)))
    asking.start()
    assert began.wait(PATIENCE)
    old = running.service.slot.current.batcher
    assert running.client.post("/models/2/promote").status_code == 200
    assert version_of(running) == 2
    assert not old.join(0)
    go_on.set()
    asking.join(PATIENCE)
    assert answers == [1]
    # What nobody is pinned to any more ends.
    assert old.join(PATIENCE)


def test_a_request_that_is_not_even_read_keeps_the_model_that_was_there(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    running = start(runs)

    async def slowly() -> tuple[int, int]:
        slot = running.service.slot
        with slot.pinned({}) as loaded:
            await slot.promote(2)
            answers = await asyncio.wait_for(loaded.batcher.answer([png("warm")], now() + 20), 20)
            return loaded.version.number, len(answers)

    assert running.client.portal is not None
    assert running.client.portal.call(slowly) == (1, 1)


def test_a_change_that_takes_longer_than_a_request_may_goes_on_without_it(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    go_on = threading.Event()

    def slow(version: Version) -> Model:
        if version.number == 2:
            go_on.wait(PATIENCE)
        return load_bundle(Path(version.path))

    running = start(runs, open_version=slow, deadline=1.5)
    said = running.client.post("/models/2/promote")
    assert said.status_code == 202 and said.json()["pending"]
    assert version_of(running) == 1
    go_on.set()
    until(lambda: version_of(running) == 2)
