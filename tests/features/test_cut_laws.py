"""What holds of every cut: nothing is touched, what cannot be cut says why, sizes may change."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from headstart.features.cutting.cut import Cut, NoCut
from headstart.features.cutting.find import find_cut, probes_of
from headstart.features.cutting.replay import Prefix, replaying
from headstart.features.cutting.verify import verify
from headstart.tasks.heads import Classifier

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH = 6


class Encoder(nn.Module):
    """Normalises, writes in place, hands on a tuple, drops out, and has a weight outside of every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH))
        self.rectify = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.ones(WIDTH, 1, 1))
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.rectify(self.stem(x)) * self.scale
        for block in self.blocks:
            x, extra = block(x)["pair"]
        return (x + extra).mean((2, 3))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rectify = nn.ReLU(inplace=True)
        self.layer = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> dict[str, tuple[Tensor, int]]:
        return {"pair": (x + self.drop(self.norm(self.layer(self.rectify(x)))), 0)}


def network_of(backbone: nn.Module, width: int = WIDTH) -> Classifier:
    return Classifier(backbone, nn.Linear(width, 2))


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    return network_of(Encoder())


def images(count: int) -> dict[str, Tensor]:
    return {"x": torch.randn(count, 3, 5, 5, generator=torch.Generator().manual_seed(count))}


def in_phase(network: nn.Module, *trained: str) -> None:
    network.eval()
    for name in trained:
        network.get_submodule(name).train()


def cut_of(network: nn.Module, name: str) -> Cut:
    cut = find_cut(network, name, probes_of(images(3)))
    assert isinstance(cut, Cut), cut.reason
    return cut


@pytest.fixture
def middle(network: Classifier) -> Cut:
    in_phase(network, "backbone.blocks.1", "backbone.blocks.2", "head")
    return cut_of(network, "backbone.blocks.1")


def everything(network: nn.Module) -> dict[str, object]:
    """All that a look at a network might leave changed."""
    state: dict[str, object] = {name: value.tolist() for name, value in network.state_dict().items()}
    for name, module in network.named_modules():
        state[f"{name}: itself"] = sorted(vars(module))
        state[f"{name}: mode"] = module.training
        state[f"{name}: hooks"] = [*module._forward_hooks, *module._forward_pre_hooks]
    for name, parameter in network.named_parameters():
        state[f"{name}: gradient"] = (parameter.requires_grad, parameter.grad)
    state["random"] = torch.get_rng_state().tolist()
    return state


class Picky(nn.Module):
    """Refuses zeros, of which stand-ins are made."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if not x.any():
            raise ZeroDivisionError("nothing to divide by\nat all")
        return self.last(x / x.abs().max())


def test_finding_a_cut_leaves_no_trace(network: Classifier) -> None:
    in_phase(network, "backbone.blocks.2", "head")
    network.backbone.get_submodule("stem").requires_grad_(False)
    before = everything(network)
    for name in ("backbone.blocks.2", "head", "backbone.unused"):
        find_cut(network, name, probes_of(images(3)))
        assert everything(network) == before


def test_a_network_that_fails_on_stand_ins_gives_a_reason_and_is_left_as_it_was() -> None:
    network, probes = network_of(Picky()).eval(), probes_of({"x": torch.randn(3, 3)})
    before = everything(network)
    refused = find_cut(network, "backbone.last", probes)
    reason = "entering at 'backbone.last' fails with ZeroDivisionError: nothing to divide by"
    assert refused == NoCut(reason)
    assert everything(network) == before


@pytest.mark.parametrize("name", ["backbone.blocks.0", "backbone.blocks.1", "backbone.blocks.2", "head"])
def test_what_flows_in_gives_what_the_whole_network_gives(network: Classifier, name: str) -> None:
    in_phase(network, "head")
    cut, inputs = cut_of(network, name), images(7)
    activation = Prefix(network, cut)(**inputs)
    with replaying(network, cut):
        entered = network(activation=activation)
    assert torch.equal(entered, network(**inputs))


def layers_run(network: nn.Module) -> list[str]:
    """Names of the layers that have run, as they do; what is stood in for has none."""
    ran: list[str] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            real = module.forward
            module.forward = lambda x, name=name, real=real: ran.append(name) or real(x)
    return ran


def test_a_replay_runs_no_layer_before_the_cut(network: Classifier, middle: Cut) -> None:
    activation = Prefix(network, middle)(**images(2)).detach()
    ran = layers_run(network)
    with replaying(network, middle):
        network(activation=activation)
    assert ran == ["backbone.blocks.1.layer", "backbone.blocks.2.layer", "head"]


def test_a_prefix_runs_no_layer_behind_the_cut(network: Classifier, middle: Cut) -> None:
    ran = layers_run(network)
    assert Prefix(network, middle)(**images(2)).shape == (2, WIDTH, 5, 5)
    assert ran == ["backbone.stem.0", "backbone.blocks.0.layer"]


def test_leaving_a_replay_by_an_error_puts_every_forward_back(network: Classifier, middle: Cut) -> None:
    before = everything(network)
    with pytest.raises(RuntimeError), replaying(network, middle):
        network(activation=torch.zeros(2, WIDTH + 1, 5, 5))
    assert everything(network) == before
    with pytest.raises(RuntimeError):
        Prefix(network, middle)(x=torch.zeros(2, 4, 5, 5))
    assert everything(network) == before


def test_a_forward_that_an_instance_already_had_of_its_own_comes_back(
    network: Classifier, middle: Cut
) -> None:
    calls = []
    block = network.backbone.get_submodule("blocks.0")
    own = block.forward

    def counting(x: Tensor) -> object:
        calls.append(x)
        return own(x)

    block.forward = counting
    with replaying(network, middle):
        network(activation=torch.zeros(2, WIDTH, 5, 5))
    assert not calls
    network(**images(2))
    assert block.forward is counting
    assert len(calls) == 1


def test_two_prefixes_of_one_network_do_not_disturb_each_other(network: Classifier) -> None:
    network.eval()
    inputs = images(2)
    names = ("backbone.blocks.0", "backbone.blocks.2")
    low, high = (Prefix(network, cut_of(network, name)) for name in names)
    alone = low(**inputs), high(**inputs)
    together = low(**inputs), high(**inputs)
    assert not torch.equal(*alone)
    assert all(torch.equal(*pair) for pair in zip(alone, together, strict=True))


def test_a_layer_that_writes_into_what_flows_in_does_not_change_what_a_prefix_gives(
    network: Classifier, middle: Cut
) -> None:
    assert (Prefix(network, middle)(**images(2)) < 0).any()


def test_statistics_of_layers_behind_the_cut_move_as_in_the_whole_network(
    network: Classifier, middle: Cut
) -> None:
    differences = verify(network, middle, images(4))
    assert differences.largest <= 1e-6
    assert not differences.reason


def test_a_layer_before_the_cut_that_is_not_frozen_is_found_out(network: Classifier, middle: Cut) -> None:
    network.train()
    assert "changes" in verify(network, middle, images(4)).reason


def test_a_wrong_cut_is_found_out(network: Classifier, middle: Cut) -> None:
    in_phase(network, "head")
    other = cut_of(network, "backbone.blocks.2")
    mixed = Cut(
        middle.name, middle.entry, middle.inputs, middle.output, other.beside, other.before, other.skipped
    )
    assert verify(network, mixed, images(3)).reason


def test_what_cannot_be_cut_says_why(network: Classifier, reader: Classifier) -> None:
    probes = probes_of(images(3))
    assert find_cut(network, "backbone.unused", probes) == NoCut("'backbone.unused' is never called")
    refused = find_cut(reader, "backbone.words", probes_of(texts(3, 9)))
    assert refused == NoCut("'backbone.words' is called without a tensor of floating numbers")


def test_probes_of_one_size_are_refused(network: Classifier) -> None:
    with pytest.raises(ValueError, match="batch size"):
        find_cut(network, "head", (images(2), images(2)))


class Shared(nn.Module):
    """One layer, run three times; and one from before the cut that is run again after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = self.shared(x).tanh()
        return self.first(x)


def test_a_layer_that_runs_several_times_is_entered_the_first_time() -> None:
    network = network_of(Shared()).eval()
    inputs = {"x": torch.randn(5, WIDTH)}
    cut = find_cut(network, "backbone.shared", probes_of(inputs))
    assert isinstance(cut, Cut)
    whole = network(**inputs)
    with replaying(network, cut):
        assert torch.equal(network(activation=network.backbone.first(inputs["x"])), whole)


class Keeping(nn.Module):
    """Keeps what it computed once, until it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(WIDTH))
        self.kept: Tensor | None = None

    def train(self, mode: bool = True) -> "Keeping":
        if mode:
            self.kept = None
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return x + self.bias.exp()
        if self.kept is None:
            self.kept = self.bias.exp()
        return x + self.kept


def test_what_a_layer_keeps_for_itself_is_still_good_afterwards() -> None:
    frozen, trained = Keeping(), Keeping()
    network = network_of(nn.Sequential(nn.Linear(3, WIDTH), frozen, trained))
    in_phase(network, "backbone.2", "head")
    cut = find_cut(network, "backbone.2", probes_of({"input": torch.randn(3, 3)}))
    assert isinstance(cut, Cut)
    assert frozen.kept is not None
    assert not frozen.kept.requires_grad
    assert trained.kept is None


class Texts(nn.Module):
    """Learned places, a mask, and a layer called by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, WIDTH), nn.Embedding(40, WIDTH)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, 2, 8, batch_first=True) for _ in range(2)
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.words(input_ids) + self.places(torch.arange(input_ids.shape[1]))
        for layer in self.layers:
            x = layer(src_key_padding_mask=attention_mask == 0, src=x)
        return x[:, 0]


def texts(count: int, length: int) -> dict[str, Tensor]:
    mask = torch.ones(count, length, dtype=torch.long)
    mask[0, -1] = 0
    return {"input_ids": torch.randint(0, 20, (count, length)), "attention_mask": mask}


@pytest.fixture
def reader() -> Iterator[Classifier]:
    torch.manual_seed(0)
    network = network_of(Texts()).eval()
    network.backbone.get_submodule("layers.1").train()
    yield network


@pytest.mark.parametrize(("count", "length"), [(1, 7), (5, 4), (4, 12)])
def test_texts_of_any_length_and_number_are_replayed(reader: Classifier, count: int, length: int) -> None:
    cut = find_cut(reader, "backbone.layers.1", probes_of(texts(3, 9)))
    assert isinstance(cut, Cut)
    assert cut.entry.argument == "src"
    assert verify(reader, cut, texts(count, length)).largest <= 1e-5


def test_a_prefix_can_be_traced_and_what_is_dead_is_dropped(network: Classifier, middle: Cut) -> None:
    prefix, inputs = Prefix(network, middle).eval(), images(2)

    class ByPosition(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.prefix = prefix

        def forward(self, x: Tensor) -> Tensor:
            return self.prefix(x=x)

    with pytest.warns(FutureWarning), torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(ByPosition().eval(), (inputs["x"],)))
        torch.testing.assert_close(traced(images(2)["x"]), prefix(**inputs))
    convolutions = [node for node in traced.inlined_graph.nodes() if "conv" in node.kind()]
    assert len(convolutions) == 2
