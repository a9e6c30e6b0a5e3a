"""Every engine gives what the plain one gives, of an example whatever its company."""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import timm
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.nn.functional import interpolate

from headstart.features.engines import compiled, eager, openvino
from headstart.features.engines.choose import engines_on
from headstart.features.engines.kept_files import KeptFiles
from headstart.features.engines.parity import compare
from headstart.sources.builtin import Builtin
from headstart.store.cache import Cache

BATCH = 4


def photos(count: int, size: int, seed: int = 0) -> torch.Tensor:
    """Pieces of real photos, each about half of one, resized."""
    generator = torch.Generator().manual_seed(seed)
    pieces = []
    for index in range(count):
        photo = torch.from_numpy(load_sample_images().images[index % 2].copy()).permute(2, 0, 1).float()
        top, left = (int(torch.randint(0, room, (), generator=generator)) for room in (127, 340))
        piece = photo[None, :, top : top + 300, left : left + 300] / 127.5 - 1
        pieces.append(interpolate(piece, size, mode="bilinear", antialias=True)[0])
    return torch.stack(pieces)


def vision_transformer() -> nn.Module:
    torch.manual_seed(0)
    size = {"img_size": 32, "patch_size": 8, "depth": 2, "embed_dim": 48, "num_heads": 3}
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, **size).eval()


class Sentences(nn.Module):
    """A small encoder of texts, called by name, as a network's frozen part is."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(50, 32), nn.Embedding(64, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        places = self.places(torch.arange(ids.shape[1], device=ids.device))
        return self.layer(self.words(ids) + places, src_key_padding_mask=mask == 0) * mask[..., None]


def sentences(length: int, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 50, (BATCH, length), generator=generator)
    lengths = torch.randint(length // 2, length + 1, (BATCH, 1), generator=generator)
    mask = (torch.arange(length) < lengths).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    return Builtin().load("efficientnet-lite0").module.eval()


@pytest.fixture(scope="module")
def networks(lite0):
    return {"lite0": (lite0, photos(BATCH, 128)), "vit": (vision_transformer(), photos(BATCH, 32))}


def plainly(module, inputs):
    return eager.build(module, inputs, device="cpu", precision="fp32")(inputs)


@pytest.mark.parametrize("network", ["lite0", "vit"])
def test_openvino_gives_what_the_plain_engine_gives(networks, network):
    module, images = networks[network]
    runner = openvino.build(module, {"x": images}, precision="fp32", kept=None)
    parity = compare([plainly(module, {"x": images})], [runner({"x": images})])
    assert not parity.problem("fp32")
    assert parity.relative_error < 1e-4


def test_openvino_takes_token_inputs_of_any_length():
    module = Sentences().eval()
    runner = openvino.build(module, sentences(16), precision="fp32", kept=None)
    batches = [sentences(length, seed=length) for length in (16, 7, 40)]
    outputs = list(runner.map(batches))
    assert [output.shape for output in outputs] == [(BATCH, length, 32) for length in (16, 7, 40)]
    assert not compare([plainly(module, batch) for batch in batches], outputs).problem("fp32")


class Difference(nn.Module):
    """Of three inputs, one of which it does not need."""

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        return inputs["first"].float() - 2 * inputs["last"]


def test_an_input_that_is_not_needed_does_not_shift_the_others():
    inputs = {"unused": torch.ones(2, 3), "first": torch.ones(2, 5), "last": torch.full((2, 5), 3.0)}
    runner = openvino.build(Difference(), inputs, precision="fp32", kept=None)
    assert torch.equal(runner(inputs), torch.full((2, 5), -5.0))


def runners(module, images):
    """Of every engine that can be built quickly here, by name."""
    found = {}
    for engine in engines_on("cpu", None):
        if not engine.name.startswith("compiled"):
            try:
                found[engine.name] = engine.build(module, {"x": images})
            except Exception as error:
                assert "bfloat16" in str(error)
    return found


@pytest.mark.parametrize("network", ["lite0", "vit"])
def test_an_example_has_the_same_bytes_in_any_company(networks, network):
    module, images = networks[network]
    others = photos(3 * BATCH, images.shape[-1], seed=1)
    mixed = [others[start : start + BATCH].clone() for start in range(0, 3 * BATCH, BATCH)]
    for place, batch in enumerate(mixed):
        batch[place] = images[0]
    for name, runner in runners(module, images).items():
        alone = runner({"x": images})[0]
        together = list(runner.map({"x": batch} for batch in [*mixed, images]))
        found = [together[place][place] for place in range(3)] + [together[3][0]]
        assert all(torch.equal(alone, one) for one in found), name


def test_results_come_in_the_order_of_the_batches(networks):
    module, images = networks["vit"]
    batches = [{"x": images + shift} for shift in range(11)]
    for name, runner in runners(module, images).items():
        together, one_by_one = list(runner.map(batches)), [runner(batch) for batch in batches]
        assert all(map(torch.equal, together, one_by_one)), name


def test_a_runner_goes_on_after_a_pass_that_was_given_up(networks):
    module, images = networks["vit"]
    runner = openvino.build(module, {"x": images}, precision="fp32", kept=None)

    def broken():
        yield from [{"x": images}] * 6
        raise OSError("the disk is gone")

    given_up = runner.map({"x": images} for _ in range(20))
    first = next(given_up)
    given_up.close()
    with pytest.raises(OSError, match="the disk is gone"):
        list(runner.map(broken()))
    assert torch.equal(first, runner({"x": images}))


def test_building_changes_nothing_of_the_module(networks):
    module, images = networks["vit"]
    before = {name: (value.clone(), value.stride()) for name, value in module.state_dict().items()}
    required = [parameter.requires_grad for parameter in module.parameters()]
    runners(module, images)
    after = module.state_dict()
    assert all(torch.equal(value, after[name]) for name, (value, _) in before.items())
    assert all(stride == after[name].stride() for name, (_, stride) in before.items())
    assert required == [parameter.requires_grad for parameter in module.parameters()]


def test_a_converted_module_keeps_its_own_weights():
    module, images = vision_transformer(), photos(BATCH, 32)
    runner = openvino.build(module, {"x": images}, precision="fp32", kept=None)
    before = runner({"x": images})
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert torch.equal(before, runner({"x": images}))


@pytest.fixture
def kept(tmp_path):
    return KeptFiles(Cache(tmp_path / "cache", limit=10**8), {"kind": "conversion"})


def test_a_kept_conversion_is_read_again_with_the_same_bytes(networks, kept, monkeypatch):
    module, images = networks["vit"]
    first = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    monkeypatch.setattr(torch.jit, "trace", None)
    again = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    assert torch.equal(first, again)


def test_a_conversion_lies_in_the_cache_and_not_beside_it(networks, kept):
    module, images = networks["vit"]
    openvino.build(module, {"x": images}, precision="fp32", kept=kept)
    (entry,) = kept.cache.entries()
    weights = sum(parameter.nbytes for parameter in module.parameters())
    assert not entry.in_use and entry.size > weights
    kept.cache.clear()
    assert [path.name for path in kept.cache.root.iterdir()] == ["lock"]


def test_a_conversion_without_room_is_made_each_time(networks, kept):
    module, images = networks["vit"]
    small = KeptFiles(Cache(kept.cache.root, limit=1000), kept.description)
    one, other = (openvino.build(module, {"x": images}, precision="fp32", kept=small) for _ in range(2))
    assert torch.equal(one({"x": images}), other({"x": images}))
    assert sum(entry.size for entry in small.cache.entries()) < 1000


def test_a_conversion_makes_room_and_is_made_again(networks, kept):
    module, images = networks["vit"]
    first = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    (entry,) = kept.cache.entries()
    full = Cache(kept.cache.root, limit=entry.size)
    assert full.make_room(entry.size)
    assert full.entries() == []
    again = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    assert torch.equal(first, again)
    assert [entry.size for entry in kept.cache.entries()] == [entry.size]


def test_a_conversion_that_cannot_be_written_out_is_used_all_the_same(networks, kept, tmp_path, monkeypatch):
    module, images = networks["vit"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        on_a_full_disk = openvino.build(module, {"x": images}, precision="fp32", kept=kept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    without_a_place = openvino.build(module, {"x": images}, precision="fp32", kept=kept)
    assert torch.equal(on_a_full_disk({"x": images}), without_a_place({"x": images}))
    assert kept.read(openvino.FILES) is None


def test_a_damaged_conversion_is_made_again(networks, kept, monkeypatch):
    module, images = networks["vit"]
    first = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    for segment in kept.cache.root.glob("*/*.safetensors"):
        segment.write_bytes(segment.read_bytes()[:-1])
    again = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    monkeypatch.setattr(torch.jit, "trace", None)
    third = openvino.build(module, {"x": images}, precision="fp32", kept=kept)({"x": images})
    assert torch.equal(first, again) and torch.equal(first, third)


REPORTING = """
import json, sys
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith("socket.") else None)
import torch
from headstart.features.engines import openvino
inputs = {"input": torch.ones(2, 3)}
openvino.build(torch.nn.Linear(3, 4).eval(), inputs, precision="fp32", kept=None)(inputs)
print(json.dumps(seen))
"""


def test_converting_reports_nothing_over_the_network(tmp_path):
    environment = {"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PATH": ""}
    command = [sys.executable, "-W", "error", "-c", REPORTING]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert list(Path(tmp_path).iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_compiled_module_gives_what_the_plain_engine_gives(networks, precision):
    module, images = networks["vit"]
    runner = compiled.build(module, {"x": images}, device="cpu", precision=precision)
    parity = compare([plainly(module, {"x": images})], [runner({"x": images})])
    assert not parity.problem(precision)


SIGNALLED = """
import gc, os, signal, torch
from headstart.features.engines.openvino import build
layer, inputs = torch.nn.Conv2d(3, 4, 3).eval(), {"input": torch.zeros(2, 3, 8, 8)}
for _ in range(3):
    runner = build(layer, inputs, precision="fp32", kept=None)
del runner
gc.collect()
received = []
signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
os.kill(os.getpid(), signal.SIGTERM)
assert received == [signal.SIGTERM]
"""


def test_a_signal_reaches_its_handler_after_engines_have_gone():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SIGNALLED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
