"""What an epoch gave: looked at late on an accelerator, exact all the same, and never too late."""

from collections.abc import Iterator

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from toy import Data, Network, Recorder, Told, Validate, make_phases, make_plan, run, same, train_metric

from headstart.contracts import Loss, Phase, StepDone, Validated
from headstart.errors import NonFiniteLoss
from headstart.training import loop, tally
from headstart.training.checkpoint import CheckpointFolder, read_checkpoint
from headstart.training.gradients import Gradients, Piece
from headstart.training.tally import Tally

EPOCHS, STEPS_AN_EPOCH, EVERY = 2, 6, 4
PHASES = (Phase("head", EPOCHS, {"head": 0.05}),)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop looks as seldom as on an accelerator."""
    monkeypatch.setattr(loop, "looks_every", lambda device: EVERY)


class Waits(TorchDispatchMode):
    """Counts how often a number is read from a tensor: on an accelerator, each is a wait."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*arguments, **(named or {}))


@pytest.mark.usefixtures("late")
def test_steps_between_two_looks_wait_for_no_number(tmp_path, monkeypatch):
    looks = 0
    look = Tally.look

    def counted(self: Tally) -> list[StepDone]:
        nonlocal looks
        looks += bool(self._noted)
        return look(self)

    monkeypatch.setattr(Tally, "look", counted)
    network, data = Network(), Data()
    with Waits() as waits:
        result = run(
            tmp_path,
            network,
            phases=PHASES,
            batches=data,
            validate=Told([0.1, 0.2]),
            train_metric=lambda outputs, targets: 0.5,
        )
    assert result.steps == EPOCHS * STEPS_AN_EPOCH
    assert looks == EPOCHS * -(-STEPS_AN_EPOCH // EVERY)
    # A look itself reads all its numbers in one go, by `tolist`, which does not come by here.
    assert waits.count == 0


@pytest.mark.usefixtures("late")
def test_looking_late_changes_neither_weights_nor_events(tmp_path, monkeypatch):
    late, early = Network(), Network()
    told, at_once = Recorder(), Recorder()
    result = run(tmp_path / "late", late, observers=[told])
    monkeypatch.setattr(loop, "looks_every", lambda device: 1)
    assert run(tmp_path / "early", early, observers=[at_once]) == result
    assert same(late, early)
    assert told.events == at_once.events


class Poisoned(Data):
    """From the second epoch on one example is not finite."""

    def epoch(self, epoch, *, start=0):
        if epoch == 1:
            self.x[13] = torch.nan
        return super().epoch(epoch, start=start)


class Seeing(Validate):
    """Refuses to see weights that are not finite."""

    def __call__(self, network):
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
        return super().__call__(network)


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("every_seconds", [0, 300])
def test_a_loss_that_is_seen_late_reaches_no_checkpoint_and_no_validation(tmp_path, every_seconds):
    at_once = expected_message(tmp_path / "at-once")
    folder = CheckpointFolder(tmp_path / "checkpoints", every_seconds=every_seconds)
    recorder = Recorder()
    with pytest.raises(NonFiniteLoss) as caught:
        run(
            tmp_path,
            Network(),
            batches=Poisoned(),
            validate=Seeing(),
            checkpoints=folder,
            observers=[recorder],
        )
    assert str(caught.value) == at_once
    assert "epoch 2: the loss is not finite. Examples with the worst loss: 13.jpg." in at_once
    for path in folder.path.iterdir():
        saved = read_checkpoint(path)
        assert all(value.isfinite().all() for value in (*saved.weights.values(), *saved.best.values()))
        assert all(value.isfinite().all() for value in saved.optimiser.values())
    assert all(0 < event.loss < 10 for event in recorder.of(StepDone))


def expected_message(folder) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "looks_every", lambda device: 1)
        with pytest.raises(NonFiniteLoss) as caught:
            run(folder, Network(), batches=Poisoned())
    return str(caught.value)


def rare_recall(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Recall of the first class: no mean over batches gives it."""
    there = targets.argmax(1) == 0
    return float((outputs.argmax(1)[there] == 0).float().mean())


class Kept:
    """Remembers what it is asked to score."""

    def __init__(self) -> None:
        self.asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        self.asked.append((outputs, targets))
        return rare_recall(outputs, targets)


def test_the_training_metric_is_that_of_the_whole_epoch(tmp_path):
    recorder, metric, data = Recorder(), Kept(), Data()
    phases = make_phases(1)[:1]
    run(tmp_path, Network(), phases=phases, train_metric=metric, observers=[recorder])
    (validated,) = recorder.of(Validated)
    ((outputs, targets),) = metric.asked
    assert validated.train_metric == rare_recall(outputs, targets)
    assert torch.equal(targets, torch.cat([batch.targets for batch in data.epoch(0)]))


def test_it_is_the_same_over_a_stop_in_the_middle_of_an_epoch(tmp_path):
    whole, resumed = Recorder(), Recorder()
    answers = iter([None] * 9 + ["interrupted"])
    run(tmp_path / "whole", Network(), train_metric=rare_recall, observers=[whole])
    run(tmp_path / "cut", Network(), train_metric=rare_recall, stop=lambda: next(answers))
    run(tmp_path / "cut", Network(), train_metric=rare_recall, observers=[resumed])
    assert resumed.of(Validated) == whole.of(Validated)[1:]


def steps(sizes: list[int]) -> Iterator[tuple[StepDone, Gradients, torch.Tensor]]:
    """Steps of so many examples, whose outputs count the examples."""
    seen = 0
    for number, size in enumerate(sizes, start=1):
        rows = torch.arange(seen, seen + size).float()[:, None]
        seen += size
        loss = Loss(torch.tensor(2.0 * size), size, torch.full((size,), 2.0))
        ids = tuple(f"{row:.0f}.jpg" for row in rows[:, 0].tolist())
        step = StepDone(number, "all", 1, torch.nan, 0.1, number, len(sizes), size)
        yield step, Gradients([Piece(ids, loss, rows, -rows)], size), torch.tensor(1.0)


@pytest.mark.parametrize("sizes", [[10, 10, 10], [1] * 30, [29, 1], [30], [3, 27]])
@pytest.mark.parametrize("every", [1, 2, 50])
def test_of_very_many_examples_the_last_are_kept_however_they_came(monkeypatch, sizes, every):
    monkeypatch.setattr(tally, "KEPT", 12)
    kept, metric = Tally(every), Kept()
    told = [event for step in steps(sizes) for event in kept.note(*step)] + kept.look()
    kept.metric(metric)
    ((outputs, targets),) = metric.asked
    assert outputs[:, 0].tolist() == list(range(18, 30))
    assert torch.equal(targets, -outputs)
    assert [event.examples for event in told] == sizes
    assert [event.loss for event in told] == [2.0] * len(sizes)
    assert kept.loss == 2.0


def test_what_was_given_goes_into_a_checkpoint_and_back():
    one, other = Tally(1), Tally(1)
    for step in steps([4, 3]):
        one.note(*step)
    other.load(one.tensors())
    assert other.loss == one.loss
    assert all(torch.equal(value, other.tensors()[name]) for name, value in one.tensors().items())
    one.clear()
    assert one.tensors() == {}


def test_an_epoch_without_a_step_has_no_loss_and_no_metric():
    empty = Tally(1)
    assert empty.look() == []
    assert str((empty.loss, empty.metric(train_metric))) == "(nan, nan)"


def test_short_epochs_do_not_write_a_checkpoint_each_but_the_last_of_a_phase_does(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    saved: list[int] = []
    save = folder.save
    folder.save = lambda checkpoint: (saved.append(checkpoint.state.epoch), save(checkpoint))
    folder.cheap = lambda size: False
    run(tmp_path, Network(), phases=make_phases(3), plan=make_plan(make_phases(3)), checkpoints=folder)
    assert saved == [3, 6]
