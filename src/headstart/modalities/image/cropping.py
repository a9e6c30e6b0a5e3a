"""Random crops: how their boxes are drawn, and how small they may be. Knows no pixels."""

from __future__ import annotations

import math

import numpy as np

Box = tuple[float, float, float, float]

# Of a box, width by height.
_RATIOS = (3 / 4, 4 / 3)


def draw_box(smallest: float, generator: np.random.Generator, size: tuple[int, int]) -> Box:
    """A box of a random area and a ratio of 3/4 to 4/3 within the image (Szegedy et al., 2015).

    Args:
        smallest: share of the image's area that a box has at least.
        generator: all randomness.
        size: width and height of the image.

    Returns:
        Left, top, right and bottom, pixels.
    """
    width, height = size
    narrowest, widest = (math.log(ratio) for ratio in _RATIOS)
    for _ in range(10):
        area = width * height * generator.uniform(smallest, 1)
        ratio = math.exp(generator.uniform(narrowest, widest))
        box_width, box_height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if box_width <= width and box_height <= height:
            left = generator.uniform(0, width - box_width)
            top = generator.uniform(0, height - box_height)
            return left, top, left + box_width, top + box_height
    box_width, box_height = _middle(size)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return left, top, left + box_width, top + box_height


def smallest_sides(smallest: float, size: tuple[int, int]) -> tuple[float, float]:
    """The least width and the least height that a box of `draw_box` may have."""
    width, height = size
    side = math.sqrt(smallest * width * height * _RATIOS[0])
    middle_width, middle_height = _middle(size)
    # A box that fits is no higher than the image, so it is at least `smallest` of its width.
    return min(middle_width, max(smallest * width, side)), min(middle_height, max(smallest * height, side))


def _middle(size: tuple[int, int]) -> tuple[float, float]:
    """Width and height of the box in the middle of an image that is too long for most others."""
    width, height = size
    return min(width, height * _RATIOS[1]), min(height, width * _RATIOS[1])
