"""The way to compute a step: measured where that pays, and chosen by what was measured."""

from dataclasses import dataclass, field

import pytest

from headstart.config.load import load
from headstart.contracts import Phase
from headstart.planning.facts import StepFacts
from headstart.planning.speed import WAYS, at_speed, fastest, open_ways, pays, whole_phases

OWN = StepFacts("fp32", True, 32, 0.020)
HEAD = Phase("head", 1000, {"head": 0.1})
LAST = Phase("last", 1000, {"head": 0.1, "block": 0.01})
ALL = Phase("all", 10, {"head": 0.1, "block": 0.01, "stem": 0.001})


@dataclass(frozen=True)
class Decided:
    """What of a plan matters here."""

    precision: str = "fp32"
    channels_last: bool = True
    micro_batch: int = 32
    batch_size: int = 32
    phases: tuple[Phase, ...] = (HEAD, LAST, ALL)
    stored: tuple[str, ...] = ("head", "block", "")
    reasons: dict[str, str] = field(default_factory=lambda: {"precision": "the usual one", "seed": "0"})


def test_a_way_that_is_clearly_faster_is_taken_and_its_reason_says_by_how_much():
    tried = [OWN, StepFacts("bf16", True, 32, 0.035), StepFacts("fp32", True, 8, 0.010)]
    plan = at_speed(Decided(), tried)
    assert (plan.precision, plan.channels_last, plan.micro_batch) == ("fp32", True, 8)
    assert plan.reasons == {
        "seed": "0",
        "precision": "10 ms an example, as measured; bf16, channels last, 32 at once took 35 ms",
        "micro_batch": "10 ms an example, as measured; fp32, channels last, 32 at once took 20 ms",
    }


def test_what_is_hardly_faster_changes_nothing_but_the_reason():
    tried = [OWN, StepFacts("fp32", False, 32, 0.0195)]
    plan = at_speed(Decided(), tried)
    assert fastest(tried) is OWN
    assert [getattr(plan, name) for name in WAYS] == ["fp32", True, 32]
    assert plan.reasons["channels_last"].endswith("channels first, 32 at once took 19.5 ms, hardly less")


def test_where_nothing_else_was_tried_the_plan_stays_as_it_is():
    assert at_speed(Decided(), [OWN]) == Decided()


@pytest.mark.parametrize(("stored", "found"), [(("", "", ""), (LAST, ALL)), (("head", "block", ""), (ALL,))])
def test_phases_that_are_fed_from_the_store_or_train_the_head_alone_do_not_count(stored, found):
    assert whole_phases(Decided(stored=stored)) == found


def test_measuring_pays_where_training_is_long():
    enough = 40 * 32
    assert pays(Decided(), enough) and not pays(Decided(), enough - 32)
    assert not pays(Decided(stored=("", "block", "stem")), 1000 * enough)


def test_a_precision_that_was_asked_for_is_not_open():
    asked = {"data.path": "photos", "train.precision": "fp32"}
    assert open_ways(load(None, asked)) == ("channels_last", "micro_batch")
    assert open_ways(load(None, {"data.path": "photos"})) == WAYS
