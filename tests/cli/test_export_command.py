"""Exports as they are asked for: the same answers from another engine, or nothing."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import headstart as hs
from headstart import catalog
from headstart.artifact.export.format import Ports, Precision
from headstart.artifact.export.openvino import OpenVINO
from headstart.artifact.exported import Compute, Outcome
from headstart.artifact.golden import NEAR, agreement, check
from headstart.errors import BundleError, RequestError

Answer = tuple[int, str, str]
Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def exports(call: Call, whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The same run in every form."""
    folder = tmp_path_factory.mktemp("exports")
    for name in catalog.EXPORTS:
        code, printed, said = call("export", whole, "--format", name, "--out", folder / name)
        assert code == 0, said
        assert printed.strip() == str(folder / name)
        assert "golden samples compared" in said
        assert "of eight" in said
    return {name: folder / name for name in catalog.EXPORTS}


@pytest.mark.parametrize("name", catalog.EXPORTS)
def test_an_export_says_what_the_run_says_and_carries_its_preprocessing(
    name: str, exports: Mapping[str, Path], whole: Path, shades: Path, call: Call
) -> None:
    files = sorted(shades.rglob("*.png"))[::7]
    ours, theirs = hs.load(whole).predict(files), hs.load(exports[name]).predict(files)
    for one, other in zip(ours, theirs, strict=True):
        assert other.scores == pytest.approx(one.scores, abs=NEAR)
    code, printed, _ = call("predict", exports[name], files[0])
    assert code == 0
    assert theirs[0].label in printed


@pytest.mark.parametrize("name", catalog.EXPORTS)
def test_any_number_of_inputs_may_come_at_once(name: str, exports: Mapping[str, Path]) -> None:
    model = hs.load(exports[name])
    values = model.golden.inputs
    views = [model.view(value, name="sample") for value in values]
    alone = [model.answer([view], [value])[0] for view, value in zip(views, values, strict=True)]
    for count in (2, 3, 7, 16):
        for one, other in zip(model.answer(views[:count], values[:count]), alone, strict=False):
            assert one.prediction.scores == pytest.approx(other.prediction.scores, abs=NEAR)
            np.testing.assert_allclose(one.features, other.features, rtol=0.1, atol=0.1)


def test_onnx_runtime_alone_takes_pixels_and_gives_probabilities(
    exports: Mapping[str, Path], whole: Path, shades: Path
) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exports["onnx"] / "model.onnx")
    (port,) = session.get_inputs()
    assert (port.name, port.shape, port.type) == ("pixels", ["batch", 64, 64, 3], "tensor(uint8)")
    picture = Image.open(next(shades.rglob("*.png"))).resize((64, 64))
    (shares,) = session.run(["probabilities"], {"pixels": np.asarray(picture)[None]})
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    # The whole of the picture: as a model that crops nothing would see it.
    seen = (torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
    model = hs.load(whole)
    with torch.inference_mode():
        logits = model.torch(x=seen) / model.temperature
    np.testing.assert_allclose(shares, torch.softmax(logits, 1), atol=1e-4)


def test_torch_alone_opens_the_program(exports: Mapping[str, Path]) -> None:
    module = torch.export.load(exports["torch"] / "model.pt2").module()
    for count in (1, 5):
        _, shares, features = module(torch.zeros(count, 64, 64, 3, dtype=torch.uint8))
        assert shares.shape == (count, 2)
        assert features.shape[0] == count


def test_what_was_measured_is_told_and_kept(exports: Mapping[str, Path], whole: Path) -> None:
    facts = json.loads((exports["onnx"] / "bundle.json").read_text())
    measured = facts["measured"]
    run = hs.Run.open(whole)
    # On what no model has learned from, whatever was fitted once more.
    assert measured["n"] == run.test.n
    assert measured["rows"][0]["score"] == run.test.metrics[measured["metric"]].value
    assert measured["changed"] == 0
    assert [row["engine"] for row in measured["rows"]] == ["torch (cpu)", "onnx (fp32)"]
    assert measured["rows"][0]["score"] == measured["rows"][1]["score"]
    assert measured["rows"][1]["size"] == (exports["onnx"] / "model.onnx").stat().st_size
    assert facts["engine"]["inputs"] == [
        {"name": "pixels", "dtype": "uint8", "shape": ["batch", 64, 64, 3]},
    ]


def test_a_processor_without_bfloat16_exports_in_float32_and_says_so(
    call: Call, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.artifact.export.openvino.computes_bf16", lambda: False)
    code, printed, said = call("export", whole, "--format", "openvino", "--out", tmp_path / "out", "--json")
    assert code == 0, said
    assert json.loads(printed)["rows"][1]["engine"] == "openvino (fp32)"
    assert json.loads((tmp_path / "out" / "bundle.json").read_text())["engine"]["precision"] == "fp32"
    with pytest.raises(RequestError, match="This processor does not compute bf16"):
        hs.export(whole, "openvino", precision="bf16", out=tmp_path / "no")


class Crooked(OpenVINO):
    """Takes the labels the other way round."""

    name = "crooked"

    @staticmethod
    def open(files: Mapping[str, bytes], ports: Ports, precision: Precision) -> Compute:
        straight = OpenVINO.open(files, ports, precision)

        def compute(inputs: Mapping[str, torch.Tensor]) -> Outcome:
            logits, features = straight(inputs)
            return logits.flip(1), features

        return compute


def test_an_export_with_other_answers_is_refused_with_the_difference(
    call: Call, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.EXPORTS, "crooked", f"{__name__}:Crooked")  # type: ignore[arg-type]
    code, _, said = call("export", whole, "--format", "crooked", "--out", tmp_path / "out")
    assert code == 1
    assert "does not give the answers of the model: " in said
    assert "label was" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--format", "onyx"], "Unknown format 'onyx'. Did you mean 'onnx'?"),
        (["--format", "torch", "--int8"], "torch does not compute in int8. There are: fp32."),
        (["--int8", "--fp32"], "--int8 and --fp32 exclude each other."),
    ],
)
def test_a_wrong_request_is_told(call: Call, whole: Path, arguments: list[str], wanted: str) -> None:
    code, _, said = call("export", whole, *arguments)
    assert code == 2
    assert wanted in said


def test_what_is_there_is_not_overwritten_and_an_export_is_not_exported(
    call: Call, whole: Path, exports: Mapping[str, Path]
) -> None:
    code, _, said = call("export", whole, "--format", "onnx", "--out", exports["onnx"])
    assert (code, "is there already" in said) == (2, True)
    code, _, said = call("export", exports["onnx"], "--format", "onnx")
    assert (code, "is an export itself" in said) == (2, True)


def test_a_changed_byte_of_an_export_is_named(
    call: Call, exports: Mapping[str, Path], tmp_path: Path, shades: Path
) -> None:
    folder = Path(shutil.copytree(exports["openvino"], tmp_path / "damaged"))
    content = bytearray((folder / "model.bin").read_bytes())
    content[1000] ^= 1
    (folder / "model.bin").write_bytes(content)
    code, _, said = call("predict", folder, next(shades.rglob("*.png")))
    assert code == 1
    assert "model.bin: damaged" in said


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(("pickled", "wanted"), [(False, 0), (True, 1)])
def test_code_in_a_torch_export_whose_digest_was_set_anew_never_runs(
    pickled: bool, wanted: int, call: Call, exports: Mapping[str, Path], tmp_path: Path, shades: Path
) -> None:
    folder = Path(shutil.copytree(exports["torch"], tmp_path / "tampered"))
    trap = pickle.dumps(Trap(tmp_path / "trace"))
    with zipfile.ZipFile(exports["torch"] / "model.pt2") as before:
        members = {name: before.read(name) for name in before.namelist()}
    members["archive/data/sample_inputs/model.pt"] = trap
    if pickled:
        config = "archive/data/weights/model_weights_config.json"
        members[config] = members[config].replace(b'"use_pickle": false', b'"use_pickle": true')
    with zipfile.ZipFile(folder / "model.pt2", "w") as after:
        for name, content in members.items():
            after.writestr(name, content)
    facts = json.loads((folder / "bundle.json").read_text())
    facts["sha256"]["model.pt2"] = hashlib.sha256((folder / "model.pt2").read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(facts))
    code, _, said = call("predict", folder, next(shades.rglob("*.png")))
    assert code == wanted
    assert ("reading it could run code" in said) == pickled
    assert not (tmp_path / "trace").exists()


def test_a_model_whose_weights_changed_fails_its_golden_samples(whole: Path) -> None:
    model = hs.load(whole)
    assert check(model).largest < 1e-4
    with torch.no_grad():
        model.torch.head.weight.neg_()  # type: ignore[operator,union-attr]
    with pytest.raises(BundleError, match=r"golden samples are answered in another way"):
        check(model)


def test_numbers_that_are_none_are_never_near(whole: Path) -> None:
    model = hs.load(whole)
    with torch.no_grad():
        model.torch.head.weight.fill_(float("nan"))  # type: ignore[operator,union-attr]
    assert len(agreement(model, model.golden).problems) == len(model.golden)


def test_a_bundle_without_samples_carries_none_of_the_data_and_is_not_exported(
    call: Call, fit: Call, tmp_path: Path
) -> None:
    code, _, said = fit("--out", tmp_path / "run", "--technique", "linear-probe", "--set", "golden_samples=0")
    assert code == 0, said
    assert json.loads((tmp_path / "run" / "model" / "golden.json").read_text()) == {"samples": []}
    code, _, said = call("export", tmp_path / "run", "--format", "torch")
    assert (code, "carries no golden samples" in said) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_int8_is_smaller_and_its_loss_is_measured(
    name: str, call: Call, whole: Path, tmp_path: Path, exports: Mapping[str, Path]
) -> None:
    code, printed, said = call("export", whole, "--format", name, "--int8", "--max-loss", "0.5", "--json",
                               "--out", tmp_path / "int8")  # fmt: skip
    assert code == 0, said
    found = json.loads(printed)
    assert found["rows"][1]["size"] < 0.5 * found["rows"][0]["size"]
    assert found["n"] > 0
    assert found["rows"][1]["score"] is not None
    # What it says itself is what it is checked by later.
    check(hs.load(tmp_path / "int8"))
    code, _, said = call(
        "export", whole, "--format", name, "--int8", "--max-loss", "-1", "--out", tmp_path / "no"
    )
    assert code == 1
    assert "worse by more than" in said
    assert not (tmp_path / "no").exists()


def test_an_export_in_bfloat16_says_float32_where_that_is_what_computes_it(
    exports: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(exports["openvino"], tmp_path / "elsewhere"))
    facts = json.loads((folder / "bundle.json").read_text())
    facts["engine"]["precision"] = "bf16"
    (folder / "bundle.json").write_text(json.dumps(facts))
    monkeypatch.setattr("headstart.artifact.export.openvino.computes_bf16", lambda: False)
    assert hs.load(folder).engine == "openvino (fp32)"
