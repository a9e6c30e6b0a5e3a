"""What is kept of a service, as values. Knows nothing of how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from headstart.errors import RequestError


@dataclass(frozen=True, slots=True)
class Version:
    """A model that the service knows.

    Attributes:
        number: counts from 1; never given twice.
        path: of its run folder, bundle or export.
        sha256: of its weights.
        task: its name, such as "image-classification".
        labels: in the order of its scores.
        added: when, in seconds since 1970.
        note: of whoever added it.
    """

    number: int
    path: str
    sha256: str
    task: str
    labels: tuple[str, ...]
    added: float
    note: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """One answer that was given. Two are equal whatever their features.

    Attributes:
        id: made by the service; used once.
        version: the model's number.
        at: when, in seconds since 1970.
        input_hash: the sha256 of the input's bytes; inputs that share it are kept once.
        label: the most probable; None where several or none apply.
        score: its probability.
        scores: of every label, in the order of the version's; read back with float32's precision.
        features: (D,), float32; read back to 1/2048 of the largest of them. None where there are none.
        milliseconds: from receipt to answer.
        media_type: of the input, such as "image/png".
        input: its bytes, to be kept; only with the consent of whoever sent it. Never read back with the
            others: `Records.input_of` does.
        number: its place in the order of writing, from 1; 0 before it is written.
    """

    id: str
    version: int
    at: float
    input_hash: str
    label: str | None
    score: float | None
    scores: tuple[float, ...]
    features: np.ndarray | None = field(compare=False, repr=False)
    milliseconds: float
    media_type: str = ""
    input: bytes | None = field(default=None, repr=False)
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says was right.

    Attributes:
        prediction: the id.
        labels: that apply; several or none where the task has it so.
        at: when it was said, in seconds since 1970.
    """

    prediction: str
    labels: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Window:
    """What a look at some predictions found.

    Attributes:
        version: the model's number.
        at: when it was looked; of one that rang by labels that came later, when it did.
        first, last: when the first and the last of the predictions were made; all in seconds since 1970.
        first_number, last_number: of these predictions.
        n: how many they are.
        alarm: whether they differ from what the model was made for.
        settled: whether nothing more is looked at, not even labels that come later.
        findings: plain data, as JSON can say it.
    """

    version: int
    at: float
    first: float
    last: float
    first_number: int
    last_number: int
    n: int
    alarm: bool
    settled: bool
    findings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done about a model, and why.

    Attributes:
        at: when, in seconds since 1970.
        kind: such as "promote".
        version: the model's number; None where it is about none.
        outcome: such as "refused".
        why: a sentence.
        evidence: plain data, as JSON can say it.
    """

    at: float
    kind: str
    version: int | None
    outcome: str
    why: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """How much has been recorded.

    Attributes:
        predictions: how many are kept; of these `labelled` have feedback.
        first, last: when the first and the last of them were made, in seconds since 1970; None without any.
        inputs: how many different ones are kept, of `input_bytes` together.
        windows: looks at predictions; `rang` of them did.
        decisions: how many.
    """

    predictions: int
    labelled: int
    first: float | None
    last: float | None
    inputs: int
    input_bytes: int
    windows: int
    rang: int
    decisions: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept. What goes first is the oldest that has no feedback.

    Attributes:
        predictions: at most so many; at least 1.
        input_bytes: of all kept inputs together.
        windows: of drift at most so many, and as many decisions; at least 1.
    """

    predictions: int = 200_000
    input_bytes: int = 2_000_000_000
    windows: int = 10_000

    def __post_init__(self) -> None:
        for bound in fields(self):
            value, least = getattr(self, bound.name), 0 if bound.name == "input_bytes" else 1
            if value < least:
                raise RequestError(f"{bound.name}: must be at least {least}. Got {value}.")


USUAL = Bounds()
