"""Where a point of the original picture lies in the network's input. Knows no pixels' values.

Coordinates are continuous: the pixel of column i and row j covers [i, i + 1) x [j, j + 1), so
its centre is (i + 0.5, j + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """An affine map from upright original coordinates to network coordinates.

    Attributes:
        matrix: (2, 3) as rows: x' = a x + b y + c in the first, y' = d x + e y + f in the second.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]

    def then(self, following: Geometry) -> Geometry:
        """This map, and the following one applied to its result."""
        return _from_square(following._square() @ self._square())

    def inverse(self) -> Geometry:
        """From network coordinates back to the original's.

        Raises:
            numpy.linalg.LinAlgError: the map flattens the plane.
        """
        return _from_square(np.linalg.inv(self._square()))

    def map(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) of the original, x before y, as points (N, 2) of the network's input."""
        matrix = np.array(self.matrix)
        mapped: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
        return mapped

    def _square(self) -> np.ndarray:
        return np.array([*self.matrix, (0.0, 0.0, 1.0)])


def _from_square(square: np.ndarray) -> Geometry:
    (a, b, c), (d, e, f) = square[:2].tolist()
    return Geometry(((a, b, c), (d, e, f)))
