"""Changes of colour by name, each a function of an RGB image and one number. Moves no pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageEnhance, ImageOps


def turn_hue(image: Image.Image, share: float) -> Image.Image:
    """Every hue turned by a share of the circle, from -1 to 1."""
    hue, saturation, value = image.convert("HSV").split()
    turned = Image.fromarray(np.asarray(hue) + np.uint8(round(share * 256) % 256))
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


# Brightness, contrast, saturation and sharpness take a relative change: 0 is none, -1 is all.
COLOUR_OPERATIONS: Mapping[str, Callable[[Image.Image, float], Image.Image]] = {
    "brightness": lambda image, change: ImageEnhance.Brightness(image).enhance(1 + change),
    "contrast": lambda image, change: ImageEnhance.Contrast(image).enhance(1 + change),
    "saturation": lambda image, change: ImageEnhance.Color(image).enhance(1 + change),
    "sharpness": lambda image, change: ImageEnhance.Sharpness(image).enhance(1 + change),
    "hue": turn_hue,
    "posterize": lambda image, lost_bits: ImageOps.posterize(image, 8 - round(lost_bits)),
    "solarize": lambda image, depth: ImageOps.solarize(image, 256 - round(depth)),
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "equalize": lambda image, _: ImageOps.equalize(image),
}
