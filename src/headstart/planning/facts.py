"""What the rules may know: plain facts of the data, the model and the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFacts:
    """The data as split.

    Attributes:
        train: examples to learn from.
        smallest, largest: of these, examples of the rarest and the commonest class.
        median_side: median of the images' shorter sides, pixels.
        grey: share of images without colour.
        mirror_sensitive: labels that a horizontal flip would probably change, as named
            ("left", "b", "6"); empty where none looks so.
    """

    train: int
    smallest: int
    largest: int
    median_side: int
    grey: float
    mirror_sensitive: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """The backbone: ``SOURCE:NAME``, boundaries from stem to head, pixels of the longer input side."""

    name: str
    boundaries: tuple[str, ...]
    image_size: int


@dataclass(frozen=True)
class MachineFacts:
    """What runs it.

    Attributes:
        device: "cpu", "cuda", "cuda:1", "mps".
        cores: of the processor, that this process may use.
        bf16: whether the device computes bfloat16 fast.
    """

    device: str
    cores: int
    bf16: bool


@dataclass(frozen=True)
class Facts:
    """All that a plan is made from, beside the request."""

    data: DataFacts
    model: ModelFacts
    machine: MachineFacts
