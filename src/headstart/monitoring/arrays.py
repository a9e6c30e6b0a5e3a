"""Scores and features as arrays, checked before anything is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headstart.errors import DataError, counted

Float32s = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Beyond [0, 1] by as much a probability may be that was computed in low precision.
SLACK = 1e-3
# By as much may the sum of probabilities in low precision miss 1.
SUM_SLACK = 0.02


def checked_scores(where: str, scores: npt.ArrayLike, classes: int | None = None) -> Float32s:
    """Probabilities, (N, C) float32, C contiguous.

    Args:
        where: what they are of, for the error.
        scores: N rows.
        classes: C, where that is known.

    Raises:
        DataError: no rows, another shape, NaN, or values outside [0, 1].
    """
    found = _checked(where, "scores", scores)
    if classes is not None and found.shape[1] != classes:
        raise DataError(
            f"{where}: scores of {counted(found.shape[1], 'class', 'classes')}, not of {classes}.",
            "Compare predictions of one model only.",
        )
    outside = np.flatnonzero(((found < -SLACK) | (found > 1 + SLACK)).any(axis=1))
    if len(outside):
        raise DataError(
            f"{where}: row {outside[0]} has a score outside 0 to 1.", "Give probabilities, not logits."
        )
    return np.clip(found, 0, 1)


def checked_features(where: str, features: npt.ArrayLike, rows: int) -> Float32s:
    """Features, (N, D) float32, C contiguous.

    Args:
        where: what they are of, for the error.
        features: N rows.
        rows: N.

    Raises:
        DataError: another number of rows, another shape, NaN or infinity.
    """
    found = _checked(where, "features", features)
    check_length(where, "features", len(found), rows)
    return found


def comparable(scores: npt.ArrayLike, features: npt.ArrayLike | None) -> bool:
    """Whether the scores of one prediction are probabilities, and its features finite."""
    found = np.asarray(scores, dtype=np.float32)
    # Written so that NaN is none.
    return bool(((found >= -SLACK) & (found <= 1 + SLACK)).all()) and (
        features is None or bool(np.isfinite(features).all())
    )


def check_length(where: str, what: str, length: int, rows: int) -> None:
    """Refuse a column of another length than the scores.

    Raises:
        DataError: naming both.
    """
    if length != rows:
        raise DataError(
            f"{where}: {counted(length, 'row')} of {what}, {rows} of scores.", "Give one for each prediction."
        )


def one_of_many(scores: Float32s) -> bool:
    """Whether each example has exactly one label: every row of probabilities sums to one."""
    sums = scores.sum(axis=1, dtype=np.float64)
    return bool((np.abs(sums - 1) <= SUM_SLACK).all())


def first_of_each(inputs: Sequence[str]) -> npt.NDArray[np.intp]:
    """Where each input stands first, in order of their places.

    Args:
        inputs: something that is equal for equal inputs, such as a hash.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(inputs):
        places.setdefault(name, place)
    return np.fromiter(places.values(), dtype=np.intp, count=len(places))


def _checked(where: str, what: str, values: npt.ArrayLike) -> Float32s:
    try:
        found = np.ascontiguousarray(values, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: {what} are no table of numbers ({error}).") from error
    if found.ndim != 2 or not found.size:
        raise DataError(
            f"{where}: {what} have shape {found.shape}.", "At least one row and one column are needed."
        )
    broken = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(broken):
        raise DataError(
            f"{where}: {what} of {counted(len(broken), 'row')} are not finite (row {broken[0]} first).",
            "The model gave NaN or infinity for these inputs; leave them out, and find out why.",
        )
    return found
