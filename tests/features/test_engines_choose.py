"""The engine that is chosen: sooner done, its values those of the plain one, remembered."""

import time

import pytest
import torch
from torch import nn

from headstart.errors import RequestError, RunError
from headstart.features.engines.choose import choose
from headstart.features.engines.eager import TorchRunner
from headstart.features.engines.engine import Engine
from headstart.features.engines.parity import Parity, compare, storage
from headstart.features.engines.remembered import KEPT, Measured, home, machine_file, remember
from headstart.store.cache import Cache

MANY = 10**6
PROBE = {"x": torch.linspace(-1, 1, 4 * 6).reshape(4, 6)}


@pytest.fixture(autouse=True)
def module():
    torch.manual_seed(0)
    return Named().eval()


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 5)

    def forward(self, x):
        return self.linear(x)


class Workshop:
    """Engines that take a given time and give a given error; it counts what is built."""

    def __init__(self):
        self.built = []

    def engine(
        self, name, *, seconds, precision="fp32", error=0.0, build_seconds=0.0, speedup=10.0, fails=False
    ):
        def build(module, inputs):
            self.built.append(name)
            if fails:
                raise ValueError("no compiler\nsecond line")

            def call(**tensors):
                time.sleep(seconds)
                return module(**tensors) * (1 + error)

            return TorchRunner(call, device="cpu", precision="fp32")

        return Engine(name, precision, build, build_seconds, speedup)


@pytest.fixture
def workshop():
    return Workshop()


def chosen(module, engines, *, count=MANY, cache=None, only=None, probe=PROBE):
    return choose(
        module,
        probe,
        count=count,
        cache=cache,
        digest="weights",
        boundary="head",
        device="cpu",
        only=only,
        engines=engines,
    )


def test_the_fastest_that_gives_the_same_is_chosen(module, workshop):
    engines = [
        workshop.engine("plain", seconds=0.03),
        workshop.engine("fast", seconds=0.001, speedup=20.0),
        workshop.engine("faster, says who", seconds=0.015, speedup=30.0),
    ]
    choice = chosen(module, engines)
    assert choice.name == "fast"
    assert choice.reason.startswith("0.")
    assert dict(choice.tried).keys() == {"plain", "faster, says who"}
    assert dict(choice.tried)["plain"] > choice.seconds_per_example
    assert torch.equal(module(**PROBE), choice.runner(PROBE))


def test_an_engine_that_cannot_be_built_costs_a_line_not_the_run(module, workshop):
    engines = [
        workshop.engine("plain", seconds=0.01),
        workshop.engine("broken", seconds=0.001, fails=True),
        workshop.engine("fast", seconds=0.001, speedup=5.0),
    ]
    choice = chosen(module, engines)
    assert choice.name == "fast"
    assert dict(choice.tried)["broken"] == "cannot be built: ValueError: no compiler"
    assert "broken cannot be built: ValueError: no compiler" in choice.reason


@pytest.mark.parametrize(
    ("precision", "error"), [("fp32", 2e-3), ("bf16", 4e-2), ("fp32", float("nan")), ("bf16", float("inf"))]
)
def test_an_engine_with_other_values_is_refused(module, workshop, precision, error):
    engines = [
        workshop.engine("plain", seconds=0.01),
        workshop.engine("wrong", seconds=0.0, error=error, precision=precision),
    ]
    choice = chosen(module, engines)
    assert choice.name == "plain"
    assert "differs by" in dict(choice.tried)["wrong"]
    assert "wrong differs by" in choice.reason


def test_bf16_is_allowed_a_rounding_that_fp32_is_not(module, workshop):
    engines = [
        workshop.engine("plain", seconds=0.01),
        workshop.engine("rounded", seconds=0.0, error=1e-2, precision="bf16"),
    ]
    choice = chosen(module, engines)
    assert (choice.name, choice.precision) == ("rounded", "bf16")
    assert choice.parity.relative_error == pytest.approx(1e-2, rel=0.1)


@pytest.mark.parametrize(("bf16", "winner"), [(0.46, "fp32"), (0.44, "bf16")])
def test_bf16_must_save_a_tenth_over_fp32(module, workshop, tmp_path, bf16, winner):
    seconds = {"plain": 1.0, "bf16": bf16, "fp32": 0.5}
    path = machine_file(
        home(tmp_path / "measurements" / "engines", PROBE, digest="weights", boundary="head"), "cpu"
    )
    remember(path, {name: Measured(0.0, each, Parity(0.0, 1.0)) for name, each in seconds.items()})
    engines = [
        workshop.engine("plain", seconds=0.0),
        workshop.engine("bf16", seconds=0.0, precision="bf16"),
        workshop.engine("fp32", seconds=0.0),
    ]
    assert chosen(module, engines, cache=Cache(tmp_path, 10**9)).name == winner
    assert workshop.built == ["plain", winner]


def test_what_cannot_earn_its_building_back_is_not_built(module, workshop):
    engines = [
        workshop.engine("plain", seconds=0.01),
        workshop.engine("slow to build", seconds=0.0, build_seconds=100.0),
    ]
    choice = chosen(module, engines, count=50)
    assert choice.name == "plain"
    assert workshop.built == ["plain"]
    assert dict(choice.tried)["slow to build"].startswith("not tried")
    assert chosen(module, engines, count=MANY).name == "slow to build"


def test_what_was_measured_is_remembered_and_losers_are_skipped(module, workshop, tmp_path):
    engines = [
        workshop.engine("plain", seconds=0.02),
        workshop.engine("wrong", seconds=0.0, error=1.0, speedup=30.0),
        workshop.engine("slower than it says", seconds=0.01, speedup=20.0),
        workshop.engine("fast", seconds=0.001, speedup=10.0),
    ]
    first = chosen(module, engines, cache=Cache(tmp_path, 10**9))
    assert workshop.built == ["plain", "wrong", "slower than it says", "fast"]
    workshop.built.clear()
    again = chosen(module, engines, cache=Cache(tmp_path, 10**9), count=MANY + 1)
    assert workshop.built == ["plain", "fast"]
    assert (again.name, again.reason, again.seconds_per_example) == (
        first.name,
        first.reason,
        first.seconds_per_example,
    )
    assert dict(again.tried) == dict(first.tried)


def test_the_same_request_gets_the_same_engine_whatever_was_measured_since(module, workshop, tmp_path):
    def engines(seconds):
        return [
            workshop.engine("plain", seconds=0.02),
            workshop.engine("other", seconds=seconds, build_seconds=MANY * 0.019 if seconds < 0.02 else 0.0),
        ]

    assert chosen(module, engines(0.03), cache=Cache(tmp_path, 10**9)).name == "plain"
    for file in tmp_path.glob("measurements/engines/*/*.json"):
        if ".choices" not in file.name:
            file.unlink()
    assert chosen(module, engines(0.001), cache=Cache(tmp_path, 10**9)).name == "plain"
    assert chosen(module, engines(0.001), cache=Cache(tmp_path, 10**9), count=50 * MANY).name == "other"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"plain": 3}', b'{"plain": {"build_seconds": "x"}}', b"\xff"]
)
def test_a_damaged_memory_is_made_anew(module, workshop, tmp_path, damage):
    engines = [workshop.engine("plain", seconds=0.01), workshop.engine("fast", seconds=0.0)]
    chosen(module, engines, cache=Cache(tmp_path, 10**9))
    choices, memory = sorted(tmp_path.glob("measurements/engines/*/*.json"))
    for file in (choices, memory):
        file.write_bytes(damage)
    assert chosen(module, engines, cache=Cache(tmp_path, 10**9)).name == "fast"
    assert b"seconds_per_example" in memory.read_bytes()
    assert b"fast" in choices.read_bytes()


def test_a_memory_that_cannot_be_written_does_not_matter(module, workshop, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    engines = [workshop.engine("plain", seconds=0.01), workshop.engine("fast", seconds=0.0)]
    assert chosen(module, engines, cache=Cache(tmp_path / "file", 10**9)).name == "fast"


def test_only_the_engine_asked_for_is_used(module, workshop, tmp_path):
    engines = [
        workshop.engine("plain", seconds=0.001),
        workshop.engine("fast", seconds=0.0),
        workshop.engine("slow", seconds=0.005, build_seconds=1000.0),
    ]
    choice = chosen(module, engines, count=1, cache=Cache(tmp_path, 10**9), only="slow")
    assert (choice.name, choice.reason) == ("slow", "asked for")
    assert workshop.built == ["plain", "slow"]
    assert chosen(module, engines, only="plain").name == "plain"


def test_an_engine_that_is_asked_for_must_be_there_and_right(module, workshop):
    engines = [
        workshop.engine("plain", seconds=0.0),
        workshop.engine("broken", seconds=0.0, fails=True),
        workshop.engine("wrong", seconds=0.0, error=1.0),
    ]
    with pytest.raises(RequestError, match=r"No engine 'brocken' here. Did you mean 'broken'?"):
        chosen(module, engines, only="brocken")
    with pytest.raises(RunError, match=r"Engine 'broken' cannot be built: ValueError: no compiler. Ask for"):
        chosen(module, engines, only="broken")
    with pytest.raises(RunError, match="Engine 'wrong' differs by 1"):
        chosen(module, engines, only="wrong")


class Words(nn.Module):
    """Right at 8 words only, as a module that was traced with its length for a constant."""

    def forward(self, ids):
        return ids.float() / 9


class Eight(Words):
    def forward(self, ids):
        return super().forward(ids) * ids.shape[1] / 8


def test_an_engine_must_be_right_for_shorter_texts_too():
    def traced(_, inputs):
        return TorchRunner(Eight(), device="cpu", precision="fp32")

    def plain(module, _):
        def slowly(**tensors):
            time.sleep(0.01)
            return module(**tensors)

        return TorchRunner(slowly, device="cpu", precision="fp32")

    engines = [Engine("plain", "fp32", plain, 0.0, 1.0), Engine("traced", "fp32", traced, 0.0, 10.0)]
    probe = {"ids": torch.arange(1, 33).reshape(4, 8)}
    assert chosen(Words(), engines, probe=probe).name == "plain"


def test_activations_are_stored_in_half_precision_where_that_keeps_them():
    values = [torch.linspace(-3, 3, 40).reshape(4, 10)]
    assert storage(values, values, "fp32") == "float16"
    large = [values[0] * 3e4]
    assert storage(large, large, "fp32") == "float32"
    tiny = [values[0] * 1e-8]
    assert storage(tiny, tiny, "fp32") == "float32"


def test_an_example_of_zeros_may_stay_so():
    zeros = torch.zeros(2, 3)
    assert not compare([zeros], [zeros]).problem("fp32")
    assert compare([zeros], [zeros + 1e-3]).problem("fp32")


def test_the_parts_used_longest_ago_make_room(tmp_path):
    parts = [home(tmp_path, PROBE, digest=str(number), boundary="head") for number in range(KEPT)]
    assert home(tmp_path, PROBE, digest="0", boundary="head") == parts[0]
    newest = home(tmp_path, PROBE, digest="one more", boundary="head")
    left = set(tmp_path.iterdir())
    assert len(left) == KEPT
    assert {newest, parts[0]} <= left
    assert parts[1] not in left


def test_the_engines_of_this_machine_choose_on_a_real_module(module, tmp_path):
    choice = chosen(module, None, count=8, cache=Cache(tmp_path, 10**9))
    assert choice.name in ("eager", "eager-bf16")
    assert dict(choice.tried)["compiled"].startswith("not tried")
    asked = chosen(module, None, cache=Cache(tmp_path, 10**9), only="openvino")
    plain = chosen(module, None, cache=Cache(tmp_path, 10**9), only="eager")
    assert not compare([plain.runner(PROBE)], [asked.runner(PROBE)]).problem("fp32")


def test_a_conversion_is_a_shelf_of_its_own_beside_the_measurements(module, tmp_path):
    cache = Cache(tmp_path, 10**9)
    chosen(module, None, cache=cache, only="openvino")
    entries = {entry.description["kind"]: entry for entry in cache.entries()}
    assert entries.keys() == {"conversion", "measurements"}
    assert entries["conversion"].description["boundary"] == "head"
    assert cache.make_room(cache.limit - entries["measurements"].size)
    assert [entry.description["kind"] for entry in cache.entries()] == ["measurements"]
