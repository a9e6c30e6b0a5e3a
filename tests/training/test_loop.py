"""What the loop does when: validating, keeping the best, ending early, averaging."""

import math
import weakref
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from toy import Data, Network, Recorder, Told, Validate, make_phases, make_plan, never, run, same

from headstart.contracts import Notice, Phase, PhaseEnded, PhaseStarted, StepDone, Validated
from headstart.training.average import Average
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.state import TrainState

HEAD = Phase("head", 6, {"head": 0.05})


def test_training_learns(tmp_path):
    network = Network()
    before = Validate()(network.eval())
    phases = (Phase("all", 12, {"head": 0.05, "block": 0.02, "stem": 0.02}),)
    result = run(tmp_path, network, phases=phases, plan=make_plan(phases), batches=Data(count=60))
    after = Validate()(network.eval())
    assert after.loss < before.loss - 0.1
    assert (after.metric, after.loss) == (result.best.metric, result.best.loss)


def test_two_runs_are_the_same_run(tmp_path):
    one, two = Network(), Network()
    assert run(tmp_path / "one", one) == run(tmp_path / "two", two)
    assert same(one, two)


def test_how_often_checkpoints_are_written_changes_nothing(tmp_path):
    seldom, often = Network(), Network()
    run(tmp_path / "seldom", seldom)
    run(tmp_path / "often", often, checkpoints=CheckpointFolder(tmp_path / "checkpoints", every_seconds=0))
    assert same(seldom, often)


def test_steps_and_events_are_counted_over_accumulated_batches(tmp_path):
    recorder, phases = Recorder(), make_phases(2)
    plan = make_plan(phases, accumulate=4)
    result = run(tmp_path, Network(), plan=plan, observers=[recorder])
    done = recorder.of(StepDone)
    assert [event.step for event in done] == list(range(1, 9))
    assert [event.examples for event in done] == [16, 6] * 4
    assert [event.phase_step for event in done] == [1, 2, 3, 4] * 2
    assert [event.epoch for event in recorder.of(Validated)] == [1, 2, 3, 4]
    assert [(event.phase, event.total_steps) for event in recorder.of(PhaseStarted)] == [
        ("head", 4),
        ("block", 4),
    ]
    assert [event.why for event in recorder.of(PhaseEnded)] == ["epochs done"] * 2
    assert (result.steps, result.epochs) == (8, 4)


@pytest.mark.parametrize(
    ("metrics", "losses", "best"),
    [
        ([0.1, 0.9, 0.5, 0.8], None, 1),
        ([0.5, 0.5, 0.5, 0.5], [4.0, 3.0, 1.0, 2.0], 2),
        ([0.5, 0.4, 0.3, 0.2], [4.0, 3.0, 2.0, 1.0], 0),
        ([float("nan"), 0.1, float("nan"), 0.0], None, 1),
    ],
)
def test_the_weights_of_the_best_metric_are_put_back_and_ties_go_by_the_loss(tmp_path, metrics, losses, best):
    network, validate, phases = Network(), Told(metrics, losses), (replace(HEAD, epochs=4),)
    result = run(tmp_path, network, phases=phases, validate=validate)
    assert result.best.epoch == best + 1
    assert torch.equal(network.head.weight, validate.heads[best])
    assert not torch.equal(network.head.weight, validate.heads[-1])


def test_of_a_metric_that_is_an_error_the_lowest_value_is_the_best(tmp_path):
    network, validate, phases = Network(), Told([0.5, 0.2, 0.9]), (replace(HEAD, epochs=3),)
    plan = make_plan(phases, metric="error")
    result = run(tmp_path, network, phases=phases, validate=validate, plan=plan)
    assert (result.best.epoch, result.best.metric) == (2, 0.2)
    assert torch.equal(network.head.weight, validate.heads[1])


def test_a_later_phase_that_is_worse_hands_back_the_weights_it_began_with(tmp_path):
    network, validate = Network(), Told([0.5, 0.9, 0.2, 0.3])
    result = run(tmp_path, network, validate=validate)
    assert result.best.phase == "head"
    assert torch.equal(network.head.weight, validate.heads[1])


def test_a_phase_whose_training_loss_is_gone_ends_with_the_first_validation_that_is_no_better():
    phase = replace(HEAD, patience=5)
    state = TrainState(micro_batch=2)
    for best, train_loss, why in (
        (True, 0.001, None),
        (False, 0.4, None),
        (False, 0.001, "early stopping"),
    ):
        state = state.after_epoch(Validated(1, "head", 1, train_loss, 1.0, 0.5, 0.5, best))
        assert state.why_over(phase, 100) == why
    assert state.why_over(replace(phase, patience=0), 100) is None


def test_early_stopping_ends_the_phase_not_the_run(tmp_path):
    recorder = Recorder()
    phases = (replace(HEAD, patience=2), Phase("block", 1, {"head": 0.01, "block": 0.01}))
    validate = Told([0.5, 0.6, 0.4, 0.6, 0.7])
    result = run(tmp_path, Network(), phases=phases, validate=validate, observers=[recorder])
    assert [event.why for event in recorder.of(PhaseEnded)] == ["early stopping", "epochs done"]
    assert result.epochs == 5
    assert result.stopped is None


def test_the_plateau_schedule_lowers_the_rate_where_validations_stall(tmp_path):
    recorder, phases = Recorder(), (HEAD,)
    plan = make_plan(phases, optimiser={"schedule": "plateau", "warmup": 0.0})
    run(tmp_path, Network(), phases=phases, plan=plan, validate=Told([0.5] * 6), observers=[recorder])
    rates = [event.lr for event in recorder.of(StepDone)]
    assert rates[0] == 0.05
    assert rates[-1] == 0.0125


def test_the_average_is_validated_and_returned_in_place_of_the_last_weights(tmp_path):
    plain, averaged, validate = Network(), Network(), Told([0.1, 0.2])
    phases = (replace(HEAD, epochs=2),)
    run(tmp_path / "plain", plain, phases=phases, validate=Told([0.1, 0.2]))
    plan = make_plan(phases, optimiser={"ema": 0.9})
    run(tmp_path / "averaged", averaged, phases=phases, plan=plan, validate=validate)
    assert torch.equal(averaged.head.weight, validate.heads[-1])
    assert not torch.equal(averaged.head.weight, plain.head.weight)


def test_the_average_follows_its_formula_and_gives_the_weights_back():
    weight = torch.nn.Parameter(torch.zeros(2))
    average = Average(0.5, {"w": weight})
    with torch.no_grad():
        weight.fill_(8)
    average.update(1)
    expected = 8 * (1 - 2 / 11)
    with average.in_place():
        torch.testing.assert_close(weight.detach(), torch.full((2,), expected))
    assert torch.equal(weight.detach(), torch.full((2,), 8.0))
    average.update(1000)
    torch.testing.assert_close(average.weights["w"], torch.full((2,), (expected + 8) / 2))


def test_the_time_limit_validates_what_it_cut_short_and_keeps_the_best(tmp_path):
    answers = iter([None] * 9 + ["time limit"])
    network, recorder, validate = Network(), Recorder(), Told([0.9, 0.1])
    result = run(
        tmp_path, network, phases=(HEAD,), validate=validate, stop=lambda: next(answers), observers=[recorder]
    )
    assert (result.stopped, result.steps, len(result.history)) == ("time limit", 9, 2)
    assert recorder.of(PhaseEnded)[0].why == "time limit"
    assert torch.equal(network.head.weight, validate.heads[0])


def test_a_run_that_the_time_limit_cut_short_can_go_on(tmp_path):
    whole, resumed = Network(), Network()
    answers = iter([None] * 9 + ["time limit"])
    run(tmp_path / "whole", whole)
    run(tmp_path / "cut", Network(), stop=lambda: next(answers))
    run(tmp_path / "cut", resumed, stop=never)
    assert same(whole, resumed)


def test_a_finished_run_that_is_resumed_trains_no_more(tmp_path):
    first, again, recorder = Network(), Network(), Recorder()
    result = run(tmp_path, first)
    assert run(tmp_path, again, observers=[recorder]) == result
    assert recorder.of(StepDone) == []
    assert same(first, again)


class Fed:
    """Feeds the usual data; remembers the epochs it was told of, and those that were asked for."""

    def __init__(self):
        self.told, self.asked = [], []

    def __call__(self, phase, epochs):
        self.told.append(list(epochs))
        self.asked.append([])
        return nullcontext((self, Validate()))

    def __len__(self):
        return len(Data())

    def epoch(self, epoch, *, start=0):
        self.asked[-1].append(epoch)
        return Data().epoch(epoch, start=start)


def test_a_feed_is_told_the_epochs_that_its_phase_has_left(tmp_path):
    fed = Fed()
    run(tmp_path / "whole", Network(), feed=fed, phases=make_phases(3))
    assert fed.told == fed.asked == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("epochs_done", [1, 2, 3, 4, 5])
def test_a_feed_of_a_resumed_run_is_told_what_is_left(tmp_path, epochs_done):
    steps, phases = len(Data()), make_phases(3)
    answers = iter([None] * (epochs_done * steps + 1) + ["signal"])
    run(tmp_path, Network(), phases=phases, stop=lambda: next(answers))
    fed = Fed()
    run(tmp_path, Network(), feed=fed, phases=phases)
    assert fed.told == fed.asked
    assert [epoch for phase in fed.told for epoch in phase] == list(range(epochs_done, 6))


def test_what_fed_a_phase_is_let_go_before_the_next_one_is_fed(tmp_path):
    living = []

    def feed(phase, epochs):
        assert not any(batches() for batches in living)
        batches = Data()
        living.append(weakref.ref(batches))
        return nullcontext((batches, Validate()))

    run(tmp_path, Network(), feed=feed)
    assert len(living) == 2


def test_a_diagnosis_is_told_as_it_is_seen(tmp_path):
    recorder = Recorder()
    losses = [1.0, 0.5, 0.8, 0.9, 1.0, 1.2]
    phases = (Phase("all", 6, {"head": 0.05, "block": 0.02, "stem": 0.02}),)
    validate = Told([0.5, 0.9, 0.5, 0.5, 0.5, 0.5], losses)
    run(tmp_path, Network(), phases=phases, validate=validate, observers=[recorder])
    assert [notice.kind for notice in recorder.of(Notice)] == ["overfitting"]


def test_without_phases_nothing_is_trained(tmp_path):
    network = Network()
    result = run(tmp_path, network, phases=())
    assert result.best is None
    assert same(network, Network())


def test_a_phase_of_pairs_has_their_loss_keeps_its_last_weights_and_no_metric_of_training(tmp_path):
    network, validate = Network(), Told([0.9, 0.1, 0.3])
    phases = (Phase("contrast", 2, {"head": 0.05, "block": 0.02}, contrast=True), replace(HEAD, epochs=1))
    result = run(tmp_path, network, phases=phases, validate=validate)
    assert [validated.best for validated in result.history] == [True, True, True]
    assert result.history[1].train_loss < result.history[0].train_loss
    assert math.isnan(result.history[0].train_metric) and not math.isnan(result.history[2].train_metric)
