"""The gradient of a step, however it is cut; memory and numbers that run out (faults 15 and 16)."""

import numpy as np
import pytest
import torch
from toy import BOUNDARIES, Data, Network, Recorder, ToyTask, make_phases, make_plan, run

from headstart.contracts import Notice, Objective, Phase
from headstart.errors import NonFiniteLoss, RunError
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.freezing import freeze
from headstart.training.gradients import window_gradients

ALL = {"head": 0.05, "block": 0.02, "stem": 0.02}
WHOLE = (Phase("all", 2, ALL),)


class Undropped(Network):
    """Without dropout, whose draws depend on how a batch is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone.drop = torch.nn.Identity()


def gradient(
    sizes: list[int], micro_batch: int = 64, token_budget: int | None = None, most: int = 64
) -> dict[str, torch.Tensor]:
    """That of batches of these sizes, for all parameters; no piece has more than `most` examples."""
    network, data = Undropped(), Data()
    freeze(network, BOUNDARIES, ALL, "frozen")
    ends = np.cumsum(sizes).tolist()
    window = [data.batch(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
    found = window_gradients(
        network,
        window,
        parameters=list(network.parameters()),
        task=ToyTask(),
        plan=make_plan(token_budget=token_budget),
        step=0,
        micro_batch=micro_batch,
    )
    assert max(len(piece.ids) for piece in found.pieces) <= most
    assert found.micro_batch == micro_batch
    return {name: parameter.grad for name, parameter in network.named_parameters()}


@pytest.mark.parametrize(
    ("sizes", "micro_batch"), [([4, 4, 4, 4, 2], 64), ([7, 11], 64), ([18], 5), ([9, 9], 1)]
)
def test_small_batches_together_are_one_large_batch_also_when_the_last_is_short(sizes, micro_batch):
    one = gradient([18])
    many = gradient(sizes, micro_batch)
    for name, value in one.items():
        torch.testing.assert_close(many[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tokens", [1, 4, 11])
def test_a_batch_of_many_tokens_is_computed_in_pieces_and_gives_the_same(tokens):
    length = next(iter(Data().batch(range(1)).inputs.values())).shape[1]
    one, many = gradient([18]), gradient([18], token_budget=tokens * length, most=tokens)
    for name, value in one.items():
        torch.testing.assert_close(many[name], value, rtol=1e-4, atol=1e-6)


def test_one_example_of_more_tokens_than_the_budget_is_computed_alone():
    gradient([3], token_budget=1, most=1)


def test_a_step_draws_the_same_whatever_was_drawn_before():
    network, data = Network(), Data()
    freeze(network, BOUNDARIES, ALL, "frozen")
    drawn = []
    for _ in range(2):
        torch.rand(5)
        before = torch.random.get_rng_state()
        plan = make_plan(objective=Objective(mixup=0.5))
        window_gradients(
            network,
            [data.batch(range(8))],
            parameters=list(network.parameters()),
            task=ToyTask(),
            plan=plan,
            step=3,
            micro_batch=8,
        )
        drawn.append(network.head.weight.grad.clone())
        assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(*drawn)


class LittleMemory(Undropped):
    """Has no room for more than so many examples at once."""

    def __init__(self, room: int, error: Exception) -> None:
        super().__init__()
        self.room, self.error = room, error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and len(x) > self.room:
            raise self.error
        return super().forward(x)


OUT_OF_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
)


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_out_of_memory_halves_what_is_computed_at_once_and_the_result_stays(tmp_path, error):
    plan = make_plan(WHOLE, accumulate=2, objective=Objective(mixup=0.5))
    roomy, tight, recorder = Undropped(), LittleMemory(1, error), Recorder()
    run(tmp_path / "roomy", roomy, phases=WHOLE, plan=plan)
    result = run(tmp_path / "tight", tight, phases=WHOLE, plan=plan, observers=[recorder])
    assert result.micro_batch == 1
    assert [notice.kind for notice in recorder.of(Notice)] == ["out of memory"]
    for one, other in zip(roomy.parameters(), tight.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_size_that_fitted_is_kept_over_a_resume(tmp_path):
    run(tmp_path, LittleMemory(1, OUT_OF_MEMORY[0]), phases=WHOLE, plan=make_plan(WHOLE))
    found, _ = CheckpointFolder(tmp_path / "checkpoints").latest()
    assert found.state.micro_batch == 1


def test_where_one_example_is_too_many_the_error_says_what_to_do(tmp_path):
    with pytest.raises(RunError, match=r"out of memory on cpu with one example.*smaller model"):
        run(tmp_path, LittleMemory(0, OUT_OF_MEMORY[0]), phases=WHOLE, plan=make_plan(WHOLE))


def test_another_error_is_not_taken_for_want_of_memory(tmp_path):
    with pytest.raises(RuntimeError, match="shapes"):
        run(tmp_path, LittleMemory(1, RuntimeError("shapes differ")), phases=WHOLE, plan=make_plan(WHOLE))


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_the_examples_and_spoils_nothing(tmp_path, poison):
    class Poisoned(Data):
        def epoch(self, epoch, *, start=0):
            if epoch == 1:
                self.x[13] = poison
            return super().epoch(epoch, start=start)

    network = Network()
    with pytest.raises(NonFiniteLoss, match=r"epoch 2: the loss is not finite.*: 13\.jpg\. Look at"):
        run(tmp_path, network, batches=Poisoned())
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    found, _ = CheckpointFolder(tmp_path / "checkpoints").latest()
    assert found.state.epoch == 1


def distance(network: Network) -> float:
    start = dict(Network().backbone.named_parameters())
    return sum(
        float((value - start[name]).detach().norm()) for name, value in network.backbone.named_parameters()
    )


def test_a_strong_pull_keeps_the_backbone_where_it_began_and_leaves_the_head_free(tmp_path):
    networks = {}
    for strength in (0.0, 100.0):
        networks[strength] = Network()
        phases = make_phases(4, l2_sp=strength)
        plan = make_plan(phases, optimiser={"name": "sgd", "momentum": 0.0, "clip": 0.0, "weight_decay": 0.0})
        run(tmp_path / str(strength), networks[strength], phases=phases, plan=plan)
    assert distance(networks[100.0]) < 0.2 * distance(networks[0.0])
    assert (networks[100.0].head.weight - Network().head.weight).norm() > 0.01


def test_bfloat16_and_channels_last_train_too(tmp_path):
    network = Network()
    result = run(tmp_path, network, plan=make_plan(make_phases(), precision="bf16", channels_last=True))
    assert result.stopped is None
    assert network.head.weight.dtype == torch.float32
