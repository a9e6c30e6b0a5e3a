"""torch.export: one file that any program with torch opens, without headstart."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import ClassVar

import torch
from torch.export import Dim, ExportedProgram

from headstart.artifact.export.calibration import Batches
from headstart.artifact.export.format import Ports, Precision
from headstart.artifact.export.graph import Traceable
from headstart.artifact.export.pt2 import FILE, read_program
from headstart.artifact.exported import Compute, Outcome, outcome


class Torch:
    """One file, model.pt2: ``torch.export.load("model.pt2").module()`` takes and gives tensors."""

    name: ClassVar[str] = "torch"
    precisions: ClassVar[tuple[Precision, ...]] = ("fp32",)

    @staticmethod
    def make(what: Traceable) -> dict[str, bytes]:
        """As torch.export captures the graph."""
        file = BytesIO()
        torch.export.save(program(what), file)
        return {FILE: file.getvalue()}

    @staticmethod
    def quantised(files: Mapping[str, bytes], batches: Batches, *, tokens: bool) -> dict[str, bytes]:
        """Never asked: it is not among the precisions."""
        raise TypeError("the torch format has no int8")

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
        """The program, read without running code of the file."""
        program = read_program(files[FILE])

        def compute(inputs: Mapping[str, torch.Tensor]) -> Outcome:
            return outcome(ports.outputs, program(*(inputs[name] for name in ports.inputs)))

        return compute


def program(what: Traceable) -> ExportedProgram:
    """The graph as torch.export captures it, with the axes that vary (PyTorch 2; Ansel et al., 2024)."""
    varying = tuple(dict.fromkeys(axes, Dim.DYNAMIC) for axes in what.varying.values())
    with warnings.catch_warnings(), torch.no_grad():
        # That a library's code asks for what is constant.
        warnings.simplefilter("ignore")
        return torch.export.export(what.graph, tuple(what.inputs.values()), dynamic_shapes=(varying,))
