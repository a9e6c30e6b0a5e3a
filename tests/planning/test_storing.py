"""What is kept of frozen layers, as laws of the measured facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headstart.config.load import load
from headstart.config.schema import Augmentation
from headstart.contracts import Phase
from headstart.planning.facts import CutFacts, DataFacts, Facts, MachineFacts, ModelFacts
from headstart.planning.storing import cut_of, cuts_of, engines, stored, views

BOUNDARIES = ("stem", "blocks.0", "blocks.1")
HEAD = Phase("head", 20, {"head": 1e-3})
LAST = Phase("last block", 10, {"blocks.1": 1e-5, "head": 1e-3})
FULL = Phase("full", 3, {"stem": 1e-6, "blocks.0": 1e-5, "blocks.1": 1e-5, "head": 1e-3})
CUTS = {"head": CutFacts(bytes=2560, seconds=0.01), "blocks.1": CutFacts(bytes=20_000, seconds=0.008)}


def kept(*phases: Phase, cuts: Any = CUTS, settings: tuple[str, ...] = (), **sizes: int) -> Any:
    given = {"train": 1000, "others": 400, "room": 10**9, "views": 4, **sizes}
    facts = Facts(
        DataFacts(given["train"], given["others"], 0, 10, 10, 400, 0.0, ()),
        ModelFacts("builtin:sample", BOUNDARIES, 224),
        MachineFacts("cpu", 2, False, given["room"]),
    )
    return stored(load(None, settings), phases, cuts, facts=facts, views=given["views"])


def test_a_phase_is_cut_at_the_first_boundary_that_it_trains() -> None:
    assert [cut_of(phase, BOUNDARIES) for phase in (HEAD, LAST, FULL)] == ["head", "blocks.1", None]


def test_boundaries_frozen_above_the_first_trained_one_change_nothing() -> None:
    assert cut_of(Phase("odd", 1, {"blocks.0": 1e-5}), BOUNDARIES) == "blocks.0"


def test_each_phase_enters_at_its_own_boundary() -> None:
    assert kept(HEAD, LAST, FULL).value == ("head", "blocks.1", "")


def test_what_cannot_be_replayed_is_computed_anew_and_said() -> None:
    cuts = {**CUTS, "blocks.1": CutFacts(problem="its mask is made by the layers below")}
    decision = kept(HEAD, LAST, cuts=cuts)
    assert decision.value == ("head", "")
    assert "last block: computed anew each time, as its mask is made by the layers below" in decision.reason


def test_what_does_not_fit_in_the_cache_is_computed_anew() -> None:
    decision = kept(LAST, room=10_000_000)
    assert decision.value == ("",)
    assert "88 MB would not fit in the cache of 10 MB" in decision.reason


def test_what_earlier_phases_keep_takes_room_too() -> None:
    """The head's views take 10 MB, those of the last block 88 MB."""
    assert kept(HEAD, LAST, room=99_000_000).value == ("head", "blocks.1")
    decision = kept(HEAD, LAST, room=90_000_000)
    assert decision.value == ("head", "")
    assert "88 MB would not fit in the cache of 90 MB beside the 10.2 MB of earlier phases" in decision.reason
    assert kept(LAST, room=90_000_000).value == ("blocks.1",)


def test_phases_that_enter_at_one_boundary_keep_its_views_once() -> None:
    again = replace(LAST, name="once more")
    assert kept(LAST, again, room=90_000_000).value == ("blocks.1", "blocks.1")
    few = replace(LAST, epochs=2)
    assert kept(few, replace(again, epochs=2), room=60_000_000).value == ("blocks.1", "")


def test_activations_that_cost_more_to_keep_than_to_compute_are_not_kept() -> None:
    shallow = CutFacts(bytes=100_000, seconds=0.00002)
    assert kept(LAST, cuts={"blocks.1": shallow}).value == ("",)
    assert kept(LAST, cuts={"blocks.1": replace(shallow, seconds=0.02)}).value == ("blocks.1",)


def test_an_engine_is_named_for_every_cut_that_is_kept() -> None:
    cuts = {"head": CutFacts(engine="openvino"), "blocks.1": CutFacts(engine="eager")}
    assert engines(load(None, ()), cuts, ("head", "blocks.1", "")).value == {
        "head": "openvino",
        "blocks.1": "eager",
    }
    assert engines(load(None, ()), cuts, ()).value == {"head": "openvino"}


def test_one_epoch_alone_keeps_nothing_beyond_what_the_probe_has() -> None:
    once = {"blocks.1": replace(CUTS["blocks.1"], seconds=0.0), "head": CUTS["head"]}
    assert kept(replace(LAST, epochs=1), cuts=once).value == ("",)
    assert kept(replace(HEAD, epochs=1), views=1).value == ("head",)


def test_who_asks_for_no_store_gets_none() -> None:
    assert kept(HEAD, LAST, settings=("features.store=false",)).value == ("", "")


@pytest.mark.parametrize(
    ("augment", "settings", "count"),
    [
        (Augmentation(), (), 1),
        (Augmentation(policy="none"), ("features.views=8",), 1),
        (Augmentation(policy="light", horizontal_flip=0.5), (), 4),
        (Augmentation(policy="light", horizontal_flip=0.5), ("features.views=8",), 8),
        (Augmentation(policy="trivial"), (), 4),
    ],
)
def test_only_what_varies_has_several_views(
    augment: Augmentation, settings: tuple[str, ...], count: int
) -> None:
    assert views(load(None, settings), augment).value == count


def test_without_a_probe_nothing_is_measured_at_a_head_that_no_phase_enters() -> None:
    assert cuts_of((FULL,), BOUNDARIES) == ("head",)
    assert cuts_of((FULL,), BOUNDARIES, has_probe=False) == ()
    assert cuts_of((HEAD, FULL), BOUNDARIES, has_probe=False) == ("head",)
    assert engines(load(None, {"data.path": "photos"}), {}, ("",), has_probe=False).value == {}
