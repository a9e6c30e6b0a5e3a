"""Files of ONNX and OpenVINO that name other files, or are damaged: one error each, and nothing is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from headstart.artifact.export.format import Ports
from headstart.artifact.export.graph import Traceable
from headstart.artifact.export.onnx import Onnx
from headstart.artifact.export.onnx_wire import names_files
from headstart.artifact.export.openvino import OpenVINO
from headstart.errors import BundleError, RequestError

PORTS = Ports(("x",), ("logits",))
X, Y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ("x", "logits"))


def weights(location: str = "") -> TensorProto:
    """Four numbers; in a file of that name, if it has one."""
    tensor = onnx.numpy_helper.from_array(np.arange(4, dtype=np.float32), "w")
    if location:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
    return tensor


def model(tensor: TensorProto) -> onnx.ModelProto:
    """x + w."""
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["logits"])], "graph", [X], [Y], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def in_a_node(tensor: TensorProto) -> onnx.ModelProto:
    made = model(weights())
    made.graph.node.insert(0, helper.make_node("Constant", [], ["v"], value=tensor))
    return made


def in_a_list(tensor: TensorProto) -> onnx.ModelProto:
    made = model(weights())
    made.graph.node[0].attribute.append(helper.make_attribute("own", [tensor]))
    return made


def in_a_branch(tensor: TensorProto) -> onnx.ModelProto:
    made = model(weights())
    made.graph.node[0].attribute.append(helper.make_attribute("then", in_a_node(tensor).graph))
    return made


def in_a_function(tensor: TensorProto) -> onnx.ModelProto:
    made = model(weights())
    nodes = in_a_branch(tensor).graph.node
    made.functions.append(helper.make_function("own", "f", [], [], nodes, [helper.make_opsetid("", 18)]))
    return made


def in_a_sparse_tensor(tensor: TensorProto) -> onnx.ModelProto:
    made = model(weights())
    made.graph.sparse_initializer.add().values.CopyFrom(tensor)
    return made


PLACES = (model, in_a_node, in_a_list, in_a_branch, in_a_function, in_a_sparse_tensor)


@pytest.mark.parametrize("location", ["w.bin", "../w.bin", "/etc/hostname"])
@pytest.mark.parametrize("place", PLACES)
def test_onnx_that_names_a_file_is_refused_wherever_it_does(
    place: Callable[[TensorProto], onnx.ModelProto],
    location: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.arange(4, dtype=np.float32).tofile("w.bin")
    assert not names_files(place(weights()).SerializeToString())
    content = place(weights(location)).SerializeToString()
    with pytest.raises(BundleError, match=r"model\.onnx: cannot be read \(it names another file"):
        Onnx.open({"model.onnx": content}, PORTS, "fp32")
    # OpenVINO reads ONNX as well, whatever the file is called.
    with pytest.raises(BundleError, match=r"model\.xml: cannot be read \(it is not XML"):
        OpenVINO.open({"model.xml": content, "model.bin": b""}, PORTS, "fp32")


def test_onnx_of_one_file_is_computed() -> None:
    compute = Onnx.open({"model.onnx": model(weights()).SerializeToString()}, PORTS, "fp32")
    logits, _ = compute({"x": torch.ones(2, 4)})
    assert torch.equal(logits, torch.arange(4.0).expand(2, 4) + 1)


@pytest.mark.parametrize("length", range(0, 90, 9))
def test_damaged_onnx_is_one_error(length: int, capfd: pytest.CaptureFixture[str]) -> None:
    content = model(weights()).SerializeToString()
    for damaged in (content[:length], content[:length] + b"\xff" * 20, b"\x00\x00\x00\x00ORTM" + content):
        with pytest.raises(BundleError, match=r"model\.onnx: cannot be read.*--format onnx"):
            Onnx.open({"model.onnx": damaged}, PORTS, "fp32")
    assert capfd.readouterr().err == ""


def test_onnx_that_does_not_fit_what_is_said_of_it_is_one_error() -> None:
    files = {"model.onnx": model(weights()).SerializeToString()}
    for ports, inputs in ((Ports(("x",), ("quux",)), torch.ones(2, 4)), (PORTS, torch.ones(2, 5))):
        with pytest.raises(BundleError, match="cannot be computed"):
            Onnx.open(files, ports, "fp32")({"x": inputs})


def test_weights_beyond_what_a_file_of_onnx_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.artifact.export.onnx.LARGEST", 100)
    with pytest.raises(RequestError, match=r"holds .* at most.*Choose openvino or torch"):
        Onnx.make(Traceable(torch.nn.Linear(9, 9), {}, {}, None))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def openvino(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The files of x + w."""
    from headstart.features.engines.openvino import openvino_core, openvino_itself

    made: Any = openvino_core().read_model(model(weights()).SerializeToString(), b"")
    folder = tmp_path_factory.mktemp("openvino")
    openvino_itself().serialize(made, folder / "model.xml", folder / "model.bin")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_openvino_is_computed(openvino: Mapping[str, bytes]) -> None:
    logits, _ = OpenVINO.open(openvino, PORTS, "fp32")({"x": torch.ones(2, 4)})
    assert torch.equal(logits, torch.arange(4.0).expand(2, 4) + 1)


@pytest.mark.parametrize(
    "changed",
    [
        lambda files: {"model.xml": files["model.xml"][:400]},
        lambda files: {"model.xml": b"<?xml version='1.0'?>"},
        lambda files: {"model.xml": b"<?xml version='1.0'?>" + b"<net>" * 10**4},
        lambda files: {"model.xml": files["model.xml"].replace(b'type="Add"', b'type="Evil"')},
        lambda files: {"model.xml": files["model.xml"].replace(b'type="Add"', b'type="Extension"')},
        lambda files: {"model.xml": files["model.xml"].replace(b'offset="0"', b'offset="9999999"')},
        lambda files: {"model.bin": b""},
        lambda files: {"model.bin": files["model.bin"][:8]},
    ],
)
def test_damaged_openvino_is_one_error(openvino: Mapping[str, bytes], changed: Any) -> None:
    with pytest.raises(BundleError, match=r"model\.xml: cannot be .*--format openvino"):
        OpenVINO.open({**openvino, **changed(openvino)}, PORTS, "fp32")({"x": torch.ones(2, 4)})


def test_openvino_that_does_not_fit_what_is_said_of_it_is_one_error(openvino: Mapping[str, bytes]) -> None:
    for ports, inputs in ((Ports(("x",), ("quux",)), torch.ones(2, 4)), (PORTS, torch.ones(2, 5))):
        with pytest.raises(BundleError, match="cannot be computed"):
            OpenVINO.open(openvino, ports, "fp32")({"x": inputs})
