"""What the rules may know: plain facts of the data, the model and the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFacts:
    """The data as split.

    Attributes:
        train: examples to learn from.
        others: examples to validate and test on; `val`: of these, to validate on.
        smallest, largest: of these, examples of the rarest and the commonest class.
        median_side: median of the images' shorter sides, pixels; 0 for other inputs.
        grey: share of images without colour.
        kept, why_kept: whether inputs are decoded once and kept, and why.
        mirror_sensitive: labels that a horizontal flip would probably change, as named
            ("left", "b", "6"); empty where none looks so.
    """

    train: int
    others: int
    val: int
    smallest: int
    largest: int
    median_side: int
    grey: float
    mirror_sensitive: tuple[str, ...]
    kept: bool = False
    why_kept: str = "nothing may be kept"


@dataclass(frozen=True)
class ModelFacts:
    """The backbone.

    Attributes:
        name: ``SOURCE:NAME``.
        boundaries: from stem to head.
        image_size: pixels of the longer input side; None where inputs are no images.
        modality: of its inputs.
        max_length: tokens, behind which inputs are cut; None where there are none.
    """

    name: str
    boundaries: tuple[str, ...]
    image_size: int | None = None
    max_length: int | None = None
    modality: str = "image"


@dataclass(frozen=True)
class MachineFacts:
    """What runs it.

    Attributes:
        device: "cpu", "cuda", "cuda:1", "mps".
        cores: of the processor, that this process may use.
        bf16: whether the device computes bfloat16 fast.
        room: bytes of activations that may be kept; 0 is none.
    """

    device: str
    cores: int
    bf16: bool
    room: int = 0


@dataclass(frozen=True)
class CutFacts:
    """The layers before a boundary, as measured on a few examples.

    Attributes:
        problem: why stored activations cannot stand for these layers, as a clause; "" where they can.
        bytes: of one stored activation.
        seconds: about what these layers take for one example in training.
        engine: that runs them fastest, once and for all.
        engine_reason: why it does.
    """

    problem: str = ""
    bytes: int = 0
    seconds: float = 0.0
    engine: str = "eager"
    engine_reason: str = "the plain one"


@dataclass(frozen=True)
class StepFacts:
    """A way to compute a training step, as measured on a batch; the result differs in rounding only.

    Attributes:
        precision, channels_last, micro_batch: as of `Plan`.
        seconds: of one example.
    """

    precision: str
    channels_last: bool
    micro_batch: int
    seconds: float


@dataclass(frozen=True)
class PhaseFacts:
    """What a phase takes, as measured on a few examples; seconds of one example.

    Attributes:
        step: in every epoch.
        kept: of the layers that are computed once, for each view; 0 where there are none.
    """

    step: float
    kept: float


@dataclass(frozen=True)
class Facts:
    """All that a plan is made from, beside the request."""

    data: DataFacts
    model: ModelFacts
    machine: MachineFacts
