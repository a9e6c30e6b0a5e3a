"""What the rules may know: plain facts of the data, the model and the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFacts:
    """Counts of the data as split.

    Attributes:
        train, val, test: examples.
        classes: how many labels.
        smallest, largest: examples of the rarest and the commonest class in training.
        multi_label: whether an example may have several labels.
        median_side: median of the images' shorter sides, pixels.
        grey: share of images without colour.
        mirror_sensitive: labels that a horizontal flip would probably change, as named
            ("left", "b", "6"); empty where none looks so.
    """

    train: int
    val: int
    test: int
    classes: int
    smallest: int
    largest: int
    multi_label: bool
    median_side: int
    grey: float
    mirror_sensitive: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """The backbone, without its weights."""

    name: str
    parameters: int
    boundaries: tuple[str, ...]
    feature_size: int
    image_size: int
    licence: str


@dataclass(frozen=True)
class MachineFacts:
    """What runs it.

    Attributes:
        device: "cpu", "cuda", "cuda:1", "mps".
        cores: of the processor.
        memory: free bytes on the device, or of the machine for a CPU.
        bf16: whether the device computes bfloat16 fast.
    """

    device: str
    cores: int
    memory: int
    bf16: bool


@dataclass(frozen=True)
class Facts:
    """All that a plan is made from, beside the request."""

    data: DataFacts
    model: ModelFacts
    machine: MachineFacts
    seconds_left: float | None = None
