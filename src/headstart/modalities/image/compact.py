"""The compact form of an image: decoded and scaled once, then views are cut from it without the file.

Knows no files and no shelves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import PIL
from PIL import Image

from headstart.modalities.image.cropping import smallest_sides
from headstart.modalities.image.preprocessing import ImagePreprocessing, Window, cut, evaluation_window

# Counted up when the fields change, or what they hold.
_FORMAT = 1


def compact_form(
    image: Image.Image, preprocessing: ImagePreprocessing, *, smallest_crop: float
) -> dict[str, np.ndarray]:
    """The fewest bytes of an upright RGB image from which all its views can be cut.

    Args:
        image: of any size.
        preprocessing: of the network that is to see it.
        smallest_crop: share of the area that a random crop keeps; 1 is no crop.

    Returns:
        ``size``: (2,) int32, width and height of the original. Then either ``whole`` alone, the
        original itself, or ``evaluation``, the evaluation cut as it is before normalisation, and,
        where there are random crops, ``whole``, scaled down as far as the smallest of them allows.
        Pixels are (height, width, 3) uint8.
    """
    row = {"size": np.array(image.size, np.int32)}
    crops = smallest_crop < 1
    scaled = _scaled_for_crops(image.size, preprocessing, smallest_crop)
    if math.prod(image.size) <= math.prod(preprocessing.size) + crops * math.prod(scaled):
        return row | {"whole": np.asarray(image)}
    if crops:
        # The gap makes photos of many megapixels several times faster; it is not seen.
        row["whole"] = np.asarray(image.resize(scaled, preprocessing.resampling, reducing_gap=3.0))
    window = evaluation_window(image.size, preprocessing)
    return row | {"evaluation": np.asarray(cut(image, window, preprocessing))}


def compact_state(preprocessing: ImagePreprocessing, *, smallest_crop: float) -> dict[str, Any]:
    """Plain data that differs wherever `compact_form` may differ for one image."""
    seen = {name: value for name, value in preprocessing.state().items() if name not in ("mean", "std")}
    # Of the mean, nothing is seen before normalisation but the colour of borders.
    fill = list(preprocessing.fill) if preprocessing.mode == "border" else None
    return {
        "format": _FORMAT,
        "pillow": PIL.__version__,
        "preprocessing": seen | {"fill": fill},
        "smallest_crop": smallest_crop,
    }


@dataclass(frozen=True)
class CompactImage:
    """An upright RGB image of which `compact_form` kept this row."""

    row: Mapping[str, np.ndarray]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original."""
        width, height = self.row["size"].tolist()
        return width, height

    def cut(self, window: Window, preprocessing: ImagePreprocessing) -> Image.Image:
        """The window of the original, antialiased, as an RGB image of the network's size."""
        if "evaluation" in self.row and window == evaluation_window(self.size, preprocessing):
            return Image.fromarray(self.row["evaluation"])
        whole = Image.fromarray(self.row["whole"])
        width, height = self.size
        left, top, right, bottom = window.box
        # Multiplied first, so that the original's edge is exactly the edge.
        box = (
            left * whole.width / width,
            top * whole.height / height,
            right * whole.width / width,
            bottom * whole.height / height,
        )
        return cut(whole, replace(window, box=box), preprocessing)


def _scaled_for_crops(
    size: tuple[int, int], preprocessing: ImagePreprocessing, smallest_crop: float
) -> tuple[int, int]:
    """Width and height at which the smallest crop just has the network's pixels; never enlarged."""
    width, height = smallest_sides(smallest_crop, size)
    scale = min(1.0, max(preprocessing.size[1] / width, preprocessing.size[0] / height))
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)
