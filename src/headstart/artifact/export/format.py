"""What a form of export is: how it is made, and what computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from headstart.artifact.export.calibration import Batches
from headstart.artifact.export.graph import Traceable
from headstart.artifact.exported import Compute

Precision = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True)
class Ports:
    """Names of a graph's inputs and outputs, in their order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Format(Protocol):
    """One form of export. Its files are whole: no other file, and no network, is needed to compute."""

    name: ClassVar[str]
    precisions: ClassVar[tuple[Precision, ...]]
    """In which it may compute; where none is asked for, the first that the processor computes."""

    @staticmethod
    def make(what: Traceable) -> dict[str, bytes]:
        """The files of a graph, by name, in float32.

        Raises:
            MissingExtra: a package is lacking.
            RequestError: the form cannot hold it.
        """
        ...

    @staticmethod
    def quantised(files: Mapping[str, bytes], batches: Batches, *, tokens: bool) -> dict[str, bytes]:
        """What `make` gave, in int8; asked of formats with that precision.

        Args:
            files: as `make` gave them.
            batches: that show the ranges of values.
            tokens: whether inputs are of tokens.

        Raises:
            MissingExtra: a package is lacking.
        """
        ...

    @staticmethod
    def computed(precision: Precision) -> Precision:
        """In which this processor computes what is to be computed in a precision."""
        ...

    @staticmethod
    def abreast() -> int:
        """Calls that are computed beside each other no slower than one after another."""
        ...

    @staticmethod
    def open(files: Mapping[str, bytes], ports: Ports, precision: Precision) -> Compute:
        """What computes the files.

        Args:
            files: as `make` or `quantised` gave them.
            ports: of the graph that they were made of.
            precision: in which to compute; int8 is in the files already.

        Raises:
            MissingExtra: a package is lacking.
            BundleError: a file is damaged, or has what is refused; also when it is computed.
        """
        ...
