"""OpenVINO: made by following a batch through the network, computed on the processor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import torch

from headstart.artifact.damage import export_anew, told_of
from headstart.artifact.export.calibration import Batches
from headstart.artifact.export.format import Ports, Precision
from headstart.artifact.export.graph import Traceable
from headstart.artifact.export.openvino_compiled import Compiled
from headstart.artifact.export.openvino_int8 import quantise
from headstart.artifact.exported import Compute, Outcome, outcome
from headstart.features.engines.openvino import computes_bf16, convert, openvino_core, openvino_itself

# Calls beside each other, at most: each takes memory of its own for a batch.
ABREAST = 4
GRAPH, WEIGHTS = FILES = ("model.xml", "model.bin")


class OpenVINO:
    """Two files, model.xml and model.bin, as OpenVINO's own tools read them."""

    name: ClassVar[str] = "openvino"
    precisions: ClassVar[tuple[Precision, ...]] = ("bf16", "fp32", "int8")

    @staticmethod
    def make(what: Traceable) -> dict[str, bytes]:
        """From a trace, as the engines of frozen layers are made."""
        model = convert(what.graph, tuple(what.inputs.values()))
        for port, (name, value) in zip(model.inputs, what.inputs.items(), strict=True):
            port.get_tensor().set_names({name})
            varying = what.varying[name]
            shape = [-1 if place in varying else length for place, length in enumerate(value.shape)]
            port.get_node().set_partial_shape(openvino_itself().PartialShape(shape))
        model.validate_nodes_and_infer_types()
        for port, name in zip(model.outputs, what.graph.outputs, strict=True):
            port.get_tensor().set_names({name})
        return _serialised(model)

    @staticmethod
    def quantised(files: Mapping[str, bytes], batches: Batches, *, tokens: bool) -> dict[str, bytes]:
        """As NNCF quantises."""
        model = openvino_core().read_model(files[GRAPH], files[WEIGHTS])
        return _serialised(quantise(model, batches, tokens=tokens))

    @staticmethod
    def computed(precision: Precision) -> Precision:
        """float32 in the place of bfloat16 where the processor does not compute that."""
        return "fp32" if precision == "bf16" and not computes_bf16() else precision

    @staticmethod
    def abreast() -> int:
        """As many as there are threads, up to a few."""
        return min(torch.get_num_threads(), ABREAST)

    @staticmethod
    def open(files: Mapping[str, bytes], ports: Ports, precision: Precision) -> Compute:
        """A compiled model."""
        core = openvino_core()
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if OpenVINO.computed(precision) == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,
        }
        with told_of(GRAPH, "read", export_anew("openvino")):
            # Whatever is not XML, OpenVINO would try as a model of ONNX or others, which may name files.
            if not files[GRAPH].startswith(b"<?xml"):
                raise ValueError("it is not XML")
            model = core.read_model(files[GRAPH], files[WEIGHTS])
            compiled = Compiled(core, model, settings, OpenVINO.abreast())

        def compute(inputs: Mapping[str, torch.Tensor]) -> Outcome:
            given = {name: inputs[name].contiguous().numpy() for name in ports.inputs}
            with told_of(GRAPH, "computed", export_anew("openvino")), compiled.request() as request:
                request.infer(given, share_inputs=True)
                found = [torch.from_numpy(request.get_tensor(name).data.copy()) for name in ports.outputs]
            return outcome(ports.outputs, found)

        return compute


def _serialised(model: Any) -> dict[str, bytes]:
    with TemporaryDirectory() as temporary:
        paths = [Path(temporary) / name for name in FILES]
        openvino_itself().serialize(model, *paths)
        return {path.name: path.read_bytes() for path in paths}
