"""OpenVINO on the processor: several batches at once, each on some of the cores.

A module is traced and converted once; what comes of it is kept, so that the next run only compiles it.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from headstart.errors import RunError
from headstart.features.engines.engine import Inputs, Precision, is_tokens
from headstart.features.engines.kept_files import KeptFiles

FILES = ("model.xml", "model.bin")


class OpenVINORunner:
    """Keeps every stream of a compiled model busy; threads of the caller's go on meanwhile.

    Args:
        compiled: an `openvino.CompiledModel` with one output.
        names: of the inputs, in the model's order.
    """

    def __init__(self, compiled: Any, names: tuple[str, ...]) -> None:
        self._compiled = compiled
        self._names = names
        # Twice, so that a stream finds its next batch while the caller waits for an older one.
        self.ahead = 2 * int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def __call__(self, inputs: Inputs) -> Tensor:
        """(B, ...), float32, on the CPU."""
        return next(self.map([inputs]))

    def map(self, batches: Iterable[Inputs]) -> Iterator[Tensor]:
        """The same of every batch, in order, `ahead` of them under way at once."""
        busy: deque[Any] = deque()
        try:
            for inputs in batches:
                if len(busy) < self.ahead:
                    request = self._compiled.create_infer_request()
                else:
                    request = busy.popleft()
                    yield _result(request)
                arrays = {place: inputs[name].contiguous().numpy() for place, name in enumerate(self._names)}
                request.start_async(arrays, share_inputs=True)
                busy.append(request)
            while busy:
                yield _result(busy.popleft())
        finally:
            # They read the arrays of the caller's batches, which must not go before.
            for request in busy:
                request.wait()


def build(
    module: nn.Module, inputs: Inputs, *, precision: Precision, kept: KeptFiles | None
) -> OpenVINORunner:
    """Convert the module, or read what is kept of an earlier conversion, and compile it.

    Args:
        module: in evaluation mode, on the CPU.
        inputs: of the fixed batch size; the length of token inputs may vary later.
        precision: in which it computes.
        kept: this module's conversion; None keeps nothing.

    Raises:
        RunError: the processor does not compute in this precision.
    """
    core = openvino_core()
    if precision == "bf16" and not computes_bf16():
        raise RunError("the processor does not compute bfloat16.")
    files = None if kept is None else kept.read(FILES)
    if files is None:
        model = convert(_ByPosition(module, tuple(inputs)), tuple(inputs.values()))
        if kept is not None:
            _keep(model, kept)
    else:
        model = core.read_model(*files)
    model.reshape(dict(enumerate(_shapes(inputs))))
    settings = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,  # Other processes, and threads that decode, want the same cores.
    }
    return OpenVINORunner(core.compile_model(model, "CPU", settings), tuple(inputs))


def computes_bf16() -> bool:
    """Whether the processor computes bfloat16."""
    return "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def openvino_core() -> Any:
    """The one `openvino.Core` of this process.

    Its processor plugin gives the thread a stack for signals, and puts the former one back at its
    end: with two that end in the order in which they began, that is memory which was freed, and
    the next signal ends the process.
    """
    return openvino_itself().Core()


def openvino_itself() -> Any:
    """OpenVINO without its telemetry: where that is missing, importing it reports nothing to its makers."""
    telemetry = "openvino_telemetry"
    if telemetry in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[telemetry] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[telemetry]


def _result(request: Any) -> Tensor:
    request.wait()
    return torch.from_numpy(request.get_output_tensor(0).data.copy())


def _shapes(inputs: Inputs) -> list[list[int]]:
    varying = is_tokens(inputs)
    return [[len(value), -1] if varying else list(value.shape) for value in inputs.values()]


class _ByPosition(nn.Module):
    """A module that is called by name, for a tracer that knows arguments by position."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module = module
        self.names = names

    def forward(self, *values: Tensor) -> Any:
        return self.module(**dict(zip(self.names, values, strict=True)))


def convert(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """An `openvino.Model` of a module called by position, inputs in their order, with copies of the weights.

    Args:
        module: in evaluation mode, on the CPU.
        inputs: to follow through it.
    """
    openvino = openvino_itself()
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings(), torch.no_grad():
        # That tracing is deprecated, and what it takes for constant; exporting takes twice as long.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, inputs, check_trace=False)  # type: ignore[no-untyped-call]
    # What openvino.convert_model does in three times the time. The decoder must outlive the conversion.
    decoder = TorchScriptPythonDecoder(traced, shared_memory=False)
    frontend = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(decoder))


def _keep(model: Any, kept: KeptFiles) -> None:
    # Neither a full disk nor a folder that cannot be written is in the way of using the model.
    with suppress(OSError, RuntimeError), TemporaryDirectory() as temporary:
        paths = [Path(temporary) / name for name in FILES]
        openvino_itself().serialize(model, *paths)
        kept.write(paths)
