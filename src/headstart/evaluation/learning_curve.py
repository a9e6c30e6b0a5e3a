"""What more data would bring, from scores of a model that learned from less. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Doubling:
    """Twice the data: the gain that is to be expected of a metric in [0, 1], and how far it may be off."""

    gain: float
    error: float


def doubling(sizes: Sequence[int], scores: npt.NDArray[np.floating]) -> Doubling | None:
    """The gain of one more doubling, by the power law that errors follow (Hestness et al., 2017).

    Each draw of subsets gives a curve; a line through its logarithms goes on by one doubling. The
    error is the spread of these. A curve that does not fall promises nothing.

    Args:
        sizes: S numbers of examples, growing; the last is all of them.
        scores: (draws, S), 1 is the best.

    Returns:
        None for fewer than three sizes, or where nothing is left to gain.
    """
    errors = 1 - np.asarray(scores, dtype=np.float64)
    if len(sizes) < 3 or not (errors[:, -1] > 0).all():
        return None
    logs = np.log(np.maximum(errors, np.finfo(float).tiny))
    slopes = np.polyfit(np.log(sizes), logs.T, 1)[0]
    gains = errors[:, -1] * (1 - 2.0 ** np.minimum(slopes, 0))
    return Doubling(float(gains.mean()), float(gains.std(ddof=1)) if len(gains) > 1 else float("nan"))
