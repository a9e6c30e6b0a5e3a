"""ONNX: made by torch, computed by ONNX Runtime; and read by whatever else reads it."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from headstart.artifact.damage import export_anew, told_of
from headstart.artifact.export.calibration import Batches
from headstart.artifact.export.format import Ports, Precision
from headstart.artifact.export.graph import Traceable
from headstart.artifact.export.onnx_int8 import quantise
from headstart.artifact.export.onnx_wire import names_files
from headstart.artifact.export.torch import program
from headstart.artifact.exported import Compute, Outcome, outcome
from headstart.errors import MissingExtra, RequestError

FILE = "model.onnx"
# As `onnx` counts operators' versions; what engines of the last years read.
OPSET = 18
# Bytes that one file of protobuf may have, less what the graph itself takes.
LARGEST = 2**31 - 2**24


class Onnx:
    """One file, model.onnx, with the weights in it."""

    name: ClassVar[str] = "onnx"
    precisions: ClassVar[tuple[Precision, ...]] = ("fp32", "int8")

    @staticmethod
    def make(what: Traceable) -> dict[str, bytes]:
        """By torch's exporter from the graph that torch.export captures."""
        size = sum(value.nbytes for value in what.graph.state_dict().values())
        if size > LARGEST:
            raise RequestError(
                f"A file of ONNX holds {LARGEST / 1e9:.1f} GB at most, but the weights are {size / 1e9:.1f}.",
                "Choose openvino or torch.",
            )
        for needed in ("onnx", "onnxscript"):
            _package(needed)
        with _quiet():
            made = torch.onnx.export(
                program(what),
                (),
                None,
                input_names=list(what.inputs),
                output_names=list(what.graph.outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        assert made is not None  # As it is wherever a program is given.
        model = made.model_proto
        _name_axes(model, what)
        return {FILE: model.SerializeToString()}

    @staticmethod
    def quantised(files: Mapping[str, bytes], batches: Batches, *, tokens: bool) -> dict[str, bytes]:
        """As ONNX Runtime quantises."""
        return {FILE: quantise(files[FILE], batches, tokens=tokens)}

    @staticmethod
    def computed(precision: Precision) -> Precision:
        """The same."""
        return precision

    @staticmethod
    def abreast() -> int:
        """One: each call has every thread."""
        return 1

    @staticmethod
    def open(files: Mapping[str, bytes], ports: Ports, precision: Precision) -> Compute:
        """A session of ONNX Runtime on the processor; never reads a file that the model might name."""
        session = session_of(files[FILE])
        names, outputs = ports.inputs, ports.outputs

        def compute(inputs: Mapping[str, torch.Tensor]) -> Outcome:
            with told_of(FILE, "computed", export_anew("onnx")):
                found = session.run(outputs, {name: inputs[name].numpy() for name in names})
            return outcome(outputs, map(torch.from_numpy, found))

        return compute


def session_of(model: bytes) -> Any:
    """An `onnxruntime.InferenceSession` with as many threads as torch has.

    Raises:
        MissingExtra: ONNX Runtime is not installed.
        BundleError: the model is damaged, or names other files.
    """
    with told_of(FILE, "read", export_anew("onnx")):
        if names_files(model):
            raise ValueError("it names another file for its weights, which are to be in it")
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait in a loop for the next request take the cores from those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Not the format of ONNX Runtime's own, whatever the bytes begin with.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # It prints its errors beside raising them, unless they are fatal.
    options.log_severity_level = 4
    with told_of(FILE, "read", export_anew("onnx")):
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _name_axes(model: Any, what: Traceable) -> None:
    """Give the axes that vary their names: torch calls them s48 and the like."""
    known: dict[str, str] = {}
    for given in model.graph.input:
        for place, name in what.varying[given.name].items():
            dimension = given.type.tensor_type.shape.dim[place]
            known[dimension.dim_param] = name
    for port in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dimension in port.type.tensor_type.shape.dim:
            if dimension.dim_param in known:
                dimension.dim_param = known[dimension.dim_param]


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtra("ONNX", "pip install 'headstart[export]'") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
