"""A limited time is given to the networks that can use it, and what follows training has its part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from headstart.artifact.run import RunFolder
from headstart.config.load import load
from headstart.contracts import HEAD
from headstart.planning.facts import PhaseFacts
from headstart.planning.lines import plan_from, plan_lines, plan_state
from headstart.steps import decide, ending, foresee, network
from headstart.steps.cuts import measure
from headstart.steps.ending import FIXED, LEAST, MARGIN, Ending, within
from headstart.steps.fitting import prepared_for
from headstart.steps.folds import ENOUGH
from headstart.steps.prepare import task_of
from headstart.steps.record import Clock, begin_record
from headstart.steps.resume import plan_as_begun
from headstart.steps.screen import watching
from headstart.training import stopping
from headstart.training.machine import machine_facts
from headstart.training.stopping import Shared, Stop
from headstart.workflow import fit

TRAIN, VAL, TEST = 60, 20, 20
# An epoch takes three times as long for an example as a validation, which follows it: 10 seconds.
VALIDATION, EPOCH = 1.0, 10.0
# What was cut short, the trained network, and three between it and the probe.
OWN = 5


class Now:
    """A clock that goes on by a second a validation, or when it is told to; judges, too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time, self.validations = 1000.0, 0
        monkeypatch.setattr(stopping.time, "monotonic", lambda: self.time)
        monkeypatch.setattr(ending, "evaluation_batches", lambda *given: nullcontext(()))
        monkeypatch.setattr(ending, "lowest_cut", lambda job: "")

    def validate(self, network: Any, batches: Any) -> None:
        self.time += VALIDATION
        self.validations += 1

    def ask(self, network: Any, batches: Any) -> Any:
        self.validate(network, batches)
        return SimpleNamespace(outputs=())


def ending_of(now: Now, stop: Stop, **given: Any) -> Ending:
    counts = {"train": TRAIN, "val": VAL, "test": TEST}
    plan = SimpleNamespace(
        interpolate=True, phases=(None,), stored=("",), device="cpu", channels_last=False, in_time=True
    )
    job: Any = SimpleNamespace(
        prepared=SimpleNamespace(part=lambda name: range(counts[name])),
        plan=plan,
        backbone=SimpleNamespace(module=nn.Identity()),
    )
    judge: Any = now
    return Ending(job, judge, stop, **given)


def quiet(event: Any) -> None:
    """Say nothing."""


def test_networks_follow_where_each_has_the_time_that_one_takes_at_least() -> None:
    assert [within(2, seconds, 10.0) for seconds in (-5, 9, 19, 20, 29, 30, 1e9)] == [0, 0, 0, 1, 1, 2, 2]
    assert within(2, 0.0, 0.0) == 2


def test_the_time_that_is_left_for_further_networks_is_enough_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, shared = Now(monkeypatch), {}
    for limit in (70.0, 100.0, 1000.0):
        stop = Stop(limit)
        began = now.time
        own = ending_of(now, stop, later=2)
        own.begin(nn.Identity(), quiet)
        pace = Shared(stop, own.later)
        pace.begin(1)
        while stop() is None:
            now.time += 0.5
        now.validate(None, ())
        blend: Any = SimpleNamespace(move=lambda share: None)
        assert len(own.tried(nn.Identity(), blend, quiet)) == OWN - 1
        shared[limit] = own.later, int(stop.times(ENOUGH * (now.time - began)))
    assert shared == {70.0: (2, 2), 100.0: (2, 2), 1000.0: (2, 2)}


def test_one_network_has_all_the_time_where_several_would_not_have_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = Now(monkeypatch)
    stop = Stop(30)
    own = ending_of(now, stop, later=2)
    own.begin(nn.Identity(), quiet)
    assert 30 - VALIDATION - FIXED - MARGIN < 2 * (EPOCH + OWN * VALIDATION)
    assert own.later == 0
    assert stop.left == pytest.approx(30 - VALIDATION - FIXED - OWN - MARGIN)


def test_a_further_network_knows_how_long_a_validation_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Now(monkeypatch)
    stop = Stop(100)
    own = ending_of(now, stop, later=1, seconds=2.0)
    own.begin(nn.Identity(), quiet)
    assert (now.validations, own.later) == (0, 1)
    assert stop.left == pytest.approx(100 - FIXED - (2 * OWN + MARGIN) * 2.0)


def test_what_is_between_probe_and_network_is_left_out_before_training_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = Now(monkeypatch)
    stop = Stop(15)
    own = ending_of(now, stop)
    own.begin(nn.Identity(), quiet)
    assert own.has_time
    assert stop.left == pytest.approx(15 - VALIDATION - FIXED - LEAST - MARGIN)


@pytest.mark.parametrize(("limit", "validations", "has_time"), [(2, 0, False), (6, 1, False), (8, 1, True)])
def test_training_begins_where_what_follows_it_leaves_time(
    monkeypatch: pytest.MonkeyPatch, limit: float, validations: int, has_time: bool
) -> None:
    now = Now(monkeypatch)
    own = ending_of(now, Stop(limit))
    own.begin(nn.Identity(), quiet)
    assert (now.validations, own.has_time) == (validations, has_time)


def test_under_a_limit_that_is_too_short_nothing_is_measured_or_trained_and_the_forecast_says_so(
    stripes: Callable[[int, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any, **named: Any) -> Any:
        raise AssertionError("there is no time for this")

    tried: list[str] = []

    def measured(supply: Any, names: Sequence[str], *given: Any, **named: Any) -> Any:
        tried.extend(names)
        return measure(supply, names, *given, **named)

    monkeypatch.setattr(decide, "measure", measured)
    monkeypatch.setattr(foresee, "measure_steps", refuse)
    monkeypatch.setattr(network, "train", refuse)
    monkeypatch.setattr(Ending, "validate", refuse)
    monkeypatch.setattr(Ending, "tried", refuse)
    settings = {"data.path": str(stripes(24, 48)), "out": str(tmp_path / "run"), "model.image_size": 64}
    with (tmp_path / "shown").open("w") as shown:
        result = fit(load(None, {**settings, "time_limit": 0.5}), stream=shown).result
    said = " ".join((tmp_path / "shown").read_text().split())
    assert (result["steps"], result["stopped"], result["returned"]) == (0, "time limit", "probe")
    expected = result["forecast"]
    assert expected["seconds"] == expected["least"] > expected["limit"] == 0.5
    assert "The time limit of 1 s is too short" in said
    assert "No training step fits into the time limit." in said
    assert tried == [HEAD]
    assert "phases none no step fits into the time limit" in said
    assert "stored" not in said and "batch_size 4" not in said
    assert "Returned: the linear probe (no step was trained; accuracy on validation data: the probe" in said
    assert json.loads((tmp_path / "run" / "model" / "bundle.json").read_text())


def test_a_plan_shows_phases_where_there_is_time_for_them_and_keeps_them_for_another_limit(
    stripes: Callable[[int, int], Path], tmp_path: Path
) -> None:
    config = load(None, {"data.path": str(stripes(24, 48)), "model.image_size": 64, "time_limit": 600})
    machine = machine_facts("cpu")
    with watching(None) as watch:
        prepared, backbone = prepared_for(config, machine, Clock(), watch)
    task = task_of(config, prepared)
    early, late = (
        decide.decide(config, prepared, task, backbone, machine, spent=spent) for spent in (0.0, 599.0)
    )
    shown = [{name: value for name, value, _ in plan_lines(plan)} for plan in (early, late)]
    assert "epochs" in shown[0]["phases"] and shown[0]["folds"] == "5"
    assert shown[1]["phases"] == "none" and "folds" not in shown[1]
    probe = replace(config, technique=replace(config.technique, name="linear-probe"))
    alone = decide.decide(probe, prepared, task, backbone, machine, spent=599.0)
    assert ("phases", "none", "the probe alone") in plan_lines(alone)
    again = plan_from(plan_state(late))
    assert again.phases == early.phases and not again.in_time
    folder = RunFolder(tmp_path)
    for plan in (early, late):
        begin_record(folder, config, plan, prepared)
        begun = plan_as_begun(folder, config, "cpu")
        # Of a plan that was made in a hurry nothing holds.
        assert (begun and begun.phases) == (early.phases if plan is early else None)


def job_of(phase: dict[str, float], *, kept: bool = True, probed: bool = True) -> Any:
    """One whose phase has these rates, of a network with one boundary below its head."""
    counts = {"train": TRAIN, "val": VAL, "test": TEST}
    return SimpleNamespace(
        prepared=SimpleNamespace(part=lambda name: range(counts[name])),
        plan=SimpleNamespace(
            phases=(SimpleNamespace(rates=phase),),
            stored=("",),
            folds=1,
            interpolate=False,
            in_time=True,
            batch_size=8,
        ),
        supply=SimpleNamespace(cache=kept or None),
        task=SimpleNamespace(probed=probed),
        backbone=SimpleNamespace(module=nn.Identity(), boundaries=(SimpleNamespace(name="layer"),)),
    )


@pytest.mark.parametrize(("kept", "probed"), [(True, True), (True, False), (False, True)])
def test_the_forecast_counts_the_test_set_once(
    monkeypatch: pytest.MonkeyPatch, kept: bool, probed: bool
) -> None:
    found: dict[str, float] = {}
    monkeypatch.setattr(foresee, "forecast", lambda plan, facts, **given: found.update(given))
    monkeypatch.setattr(foresee, "_forward_seconds", lambda job: 1.0)
    # A forward pass is a third of a step.
    monkeypatch.setattr(foresee, "_phase_facts", lambda *given, **named: PhaseFacts(3.0, 0.0))
    monkeypatch.setattr(foresee, "_take_longest", lambda *given: None)
    monkeypatch.setattr(foresee, "_memory", lambda *given: 0)
    foresee.foresee(job_of({HEAD: 1e-3}, kept=kept, probed=probed), 0.0, None)
    assert found["closing"] + found["ending"] == pytest.approx(FIXED + VAL + MARGIN * TEST)


def test_a_step_fits_where_the_validations_that_it_needs_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of a few examples, which may be much longer than the others.
    monkeypatch.setattr(foresee, "_forward_seconds", lambda job: 1.0 * foresee.FAR)
    whole, upper = job_of({HEAD: 1e-3, "layer": 1e-4}), job_of({HEAD: 1e-3})
    needed = FIXED + MARGIN * TEST + (1 + LEAST) * VAL
    assert [foresee.step_fits(whole, needed + more) for more in (-1, 1)] == [False, True]
    # What is kept of the layers below spares most of the validations.
    needed = FIXED + MARGIN * foresee.GOLDEN
    assert [foresee.step_fits(upper, needed + more) for more in (-1, 1)] == [False, True]
