"""Learning rates as pure functions of the step. Knows no optimiser."""

from __future__ import annotations

import math

PLATEAU_PATIENCE = 2
PLATEAU_CUT = 0.5


def rate_factor(schedule: str, *, step: float, steps: int, warmup: float, plateau: float = 1.0) -> float:
    """The share of its peak that every rate has at a step, above 0 and at most 1.

    It rises linearly over the warm-up, then falls: by half a cosine (Loshchilov and Hutter, 2017),
    in a line, or not at all; "plateau" holds what validations have brought it down to.

    Args:
        schedule: "cosine", "linear", "constant" or "plateau".
        step: of the phase, from 0; where a time limit hurries it, further on than the one it is.
        steps: of the phase, in all.
        warmup: share of the steps, in [0, 1).
        plateau: of the plateau schedule; see `plateau_factor`.
    """
    warm = round(warmup * steps)
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / (steps - warm)
    match schedule:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        case "linear":
            return 1 - done
        case "plateau":
            return plateau
        case _:
            return 1.0


def plateau_factor(factor: float, bad_validations: int) -> float:
    """The plateau schedule's factor after a validation: halved at every second bad one in a row."""
    if bad_validations and bad_validations % PLATEAU_PATIENCE == 0:
        return factor * PLATEAU_CUT
    return factor
