"""How near an engine's values must come to the plain engine's. Knows no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from headstart.features.engines.engine import Precision

Stored = Literal["float16", "float32"]

LARGEST_ERROR = {"fp32": 1e-3, "bf16": 3e-2}
LEAST_COSINE = 0.999
# The largest float16 is 65504; examples yet to come may exceed those that were looked at.
LARGEST_STORED = 65504 / 8


@dataclass(frozen=True)
class Parity:
    """The worst example of some: norm of the difference over norm, and cosine; NaN where not finite."""

    relative_error: float
    cosine: float

    def problem(self, precision: Precision) -> str:
        """Why an engine of this precision is refused, as a clause; "" where it is not."""
        limit = LARGEST_ERROR[precision]
        # Written so that NaN is refused.
        if not self.relative_error <= limit:
            return f"differs by {self.relative_error:.1e}, more than {limit:g}"
        if not self.cosine >= LEAST_COSINE:
            return f"cosine {self.cosine:.4f} is below {LEAST_COSINE}"
        return ""


def compare(references: Sequence[Tensor], outputs: Sequence[Tensor]) -> Parity:
    """The worst example of some batches.

    Args:
        references: batches of (B, ...), as the plain engine gives them.
        outputs: the same batches, as another gives them.
    """
    pairs = [
        (reference.double().cpu().flatten(1), output.double().cpu().flatten(1))
        for reference, output in zip(references, outputs, strict=True)
    ]
    if any(reference.shape != output.shape for reference, output in pairs):
        return Parity(float("nan"), float("nan"))
    tiny = torch.finfo(torch.float32).tiny
    errors, cosines = [], []
    for reference, output in pairs:
        difference = (output - reference).norm(dim=1)
        errors.append(difference / reference.norm(dim=1).clamp_min(tiny))
        cosine = torch.cosine_similarity(reference, output, dim=1)
        cosines.append(torch.where(difference == 0, 1.0, cosine))
    return Parity(float(torch.cat(errors).max()), float(torch.cat(cosines).min()))


def storage(references: Sequence[Tensor], outputs: Sequence[Tensor], precision: Precision) -> Stored:
    """float16 where the values keep parity in it and are far from its largest, else float32."""
    largest = max(float(output.abs().max()) for output in outputs)
    rounded = compare(references, [output.half() for output in outputs])
    return "float16" if largest <= LARGEST_STORED and not rounded.problem(precision) else "float32"
