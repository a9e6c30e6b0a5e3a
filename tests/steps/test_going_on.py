"""A run goes on where less can be kept than its plan says, and where its engine cannot be had."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headstart.artifact.run import RunFolder
from headstart.config.load import load
from headstart.contracts import Phase
from headstart.errors import DiskFull, Interrupted
from headstart.features.cutting.cut import NoCut
from headstart.steps import feeds, supply
from headstart.steps.feeds import Feeds
from headstart.steps.resume import plan_as_begun
from headstart.store.cache import Cache
from headstart.store.memory import MemoryShelf
from headstart.workflow import fit

REQUEST = {
    "model.image_size": 64,
    "technique.name": "two-phase",
    "technique.options": {"last": 3},
    "train.epochs": 3,
    "train.lr": 1e-3,
    "train.patience": 0,
    "train.keep_probe": False,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def photos(stripes: Callable[[int, int], Path]) -> Path:
    return stripes(20, 80)


def begin(photos: Path, out: Path, **settings: Any) -> str:
    """What was shown of a new run."""
    given = {"data.path": str(photos), "out": str(out), "cache.path": str(out.parent / "cache")}
    shown = io.StringIO()
    fit(load(None, {**given, **REQUEST, **settings}), stream=shown)
    return shown.getvalue()


def go_on(run: Path, *settings: str) -> str:
    """What was shown of a run that was resumed."""
    shown = io.StringIO()
    fit(load(run / "config.toml", settings), resume=run, stream=shown)
    return shown.getvalue()


@pytest.fixture
def before_second_phase(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Lets something happen before the second phase is fed."""

    def strike(blow: Callable[[], None]) -> None:
        feed = Feeds.__call__

        def struck(self: Feeds, phase: Phase, epochs: range) -> Any:
            if phase.name != "head":
                blow()
            return feed(self, phase, epochs)

        monkeypatch.setattr(Feeds, "__call__", struck)

    with monkeypatch.context():
        yield strike


@pytest.fixture(scope="module")
def once_stopped(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that a signal ended between its two phases, both of which were to enter at kept activations."""
    run = tmp_path_factory.mktemp("stopped") / "run"

    def signalled(self: Feeds, phase: Phase, epochs: range) -> Any:
        if phase.name != "head":
            raise KeyboardInterrupt
        return feed(self, phase, epochs)

    feed = Feeds.__call__
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Feeds, "__call__", signalled)
        begin(photos, run, **{"augment.policy": "none"})
    assert all(decisions(run)["stored"]["value"])
    return run


@pytest.fixture
def stopped(once_stopped: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(once_stopped, tmp_path / "run"))


def decisions(run: Path) -> Any:
    return json.loads((run / "plan.json").read_text())["decisions"]


def rewrite(run: Path, **values: Any) -> None:
    """Give decisions of a plan other values."""
    plan = json.loads((run / "plan.json").read_text())
    for name, value in values.items():
        plan["decisions"][name]["value"] = value
    (run / "plan.json").write_text(json.dumps(plan))


def test_a_phase_whose_activations_cannot_be_kept_after_all_computes_everything(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = supply.fill

    def full(shelf: Any, *arguments: Any, inputs_too: bool, **named: Any) -> None:
        if inputs_too:
            raise DiskFull(shelf.folder, 1000, 0)
        fill(shelf, *arguments, inputs_too=inputs_too, **named)

    settings = {"features.engine": "eager", "augment.policy": "none"}
    begin(photos, tmp_path / "kept", **settings)
    monkeypatch.setattr(supply, "fill", full)
    shown = begin(photos, tmp_path / "full", **settings, **{"cache.path": str(tmp_path / "other")})
    assert "Phase 'fine-tune' computes everything from the inputs: " in shown and "disk full" in shown
    assert decisions(tmp_path / "full")["stored"] == decisions(tmp_path / "kept")["stored"]
    one, other = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("kept", "full"))
    assert one["epochs"] == other["epochs"] == 3
    assert other["test"]["metrics"]["accuracy"]["value"] == pytest.approx(
        one["test"]["metrics"]["accuracy"]["value"], abs=0.2
    )


def test_what_an_earlier_phase_was_fed_with_may_make_room(
    photos: Path, tmp_path: Path, before_second_phase: Callable[[Callable[[], None]], None]
) -> None:
    in_use = []

    def look() -> None:
        found = Cache(tmp_path / "cache", 10**9).entries()
        in_use.extend(entry.in_use for entry in found if entry.description.get("augmentation"))

    before_second_phase(look)
    begin(photos, tmp_path / "run", **{"features.engine": "eager"})
    assert in_use == [False]


def test_without_room_a_resumed_phase_computes_everything_and_fills_no_memory(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = set()
    add = MemoryShelf.add

    def noted(self: MemoryShelf, key: str, row: Any) -> None:
        sizes.update(array.size for array in row.values())
        add(self, key, row)

    monkeypatch.setattr(MemoryShelf, "add", noted)
    shown = go_on(stopped, "cache.gigabytes=0")
    assert "Phase 'fine-tune' computes everything from the inputs: " in shown
    assert "has no room" in shown
    assert sizes == {1280}  # Features of the head.
    assert (stopped / "result.json").exists()


def test_an_engine_that_cannot_be_had_any_more_is_replaced_and_said(stopped: Path) -> None:
    before = decisions(stopped)["engines"]["value"]
    rewrite(stopped, engines=dict.fromkeys(before, "tensor-cores"))
    shown = go_on(stopped)
    assert "runs the layers before 'head': No engine 'tensor-cores' here." in shown
    assert (stopped / "result.json").exists()


def test_on_another_kind_of_device_engines_are_chosen_anew_and_said(stopped: Path) -> None:
    rewrite(stopped, device="cuda:1")
    shown = go_on(stopped)
    assert "runs the layers before 'head': The plan was made for another device." in shown
    assert decisions(stopped)["engines"] == {
        "value": {},
        "reason": "chosen anew, as the run went on on cpu",
    }
    assert (stopped / "result.json").exists()


def test_on_another_device_the_engine_that_was_asked_for_stays(once_stopped: Path) -> None:
    begun = decisions(once_stopped)["engines"]["value"]
    for device, settings, engines in (
        ("cpu", (), begun),
        ("cuda", (), {}),
        ("cuda", ("features.engine=eager-bf16",), begun),
    ):
        config = load(once_stopped / "config.toml", settings)
        plan = plan_as_begun(RunFolder(once_stopped), config, device)
        assert plan is not None
        assert (plan.device, plan.engines) == (device, engines)


def test_a_boundary_that_is_not_exact_here_is_not_entered_and_the_run_goes_on(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "cut_at", lambda *_: NoCut("gradients differ by 3 %"))
    shown = go_on(stopped)
    assert "Phase 'fine-tune' computes everything from the inputs: " in shown
    assert "cannot be entered at" in shown and "gradients differ by 3 %" in shown
    assert (stopped / "result.json").exists()
