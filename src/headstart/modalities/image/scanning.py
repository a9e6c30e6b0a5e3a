"""What one full decode of an image tells: that it is whole, what it shows, how large it is."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from headstart.contracts import Scan
from headstart.errors import DataError
from headstart.modalities.image.decode import ImageSource, open_image

_SIDE = 32
_FREQUENCIES = 8
# Rows of the discrete cosine transform (type 2) of 32 samples, up to 3.5 waves a side.
_COSINES = np.cos(np.pi / _SIDE * np.outer(np.arange(_FREQUENCIES), np.arange(_SIDE) + 0.5))

# Grey levels: below this deviation the low frequencies are noise of the compression.
_FLAT = 2.0
# Grey levels by which the channels of a grey photo may differ after JPEG's rounding.
_COLOURLESS = 3


def scan_image(source: ImageSource) -> Scan:
    """Decode an image once, whole. One that cannot be read gives a `Scan` with its error."""
    return decode_and_scan(source)[1]


def decode_and_scan(source: ImageSource) -> tuple[Image.Image | None, Scan]:
    """The upright RGB image, and what it is; None and the error where it cannot be read."""
    try:
        image = open_image(source, name="")
    except DataError as error:
        return None, Scan(error=error.cause)
    return image, _scan_of(image)


def _scan_of(image: Image.Image) -> Scan:
    content = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    content.update(image.tobytes())
    thumbnail = image.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    spread = np.ptp(np.asarray(thumbnail), axis=2)
    return Scan(
        content=content.hexdigest(),
        hash=_perceptual_hash(thumbnail),
        size=image.size,
        grey=bool(spread.max() <= _COLOURLESS),
    )


def _perceptual_hash(thumbnail: Image.Image) -> int | None:
    """64 bits that stay nearly the same when an image is scaled, compressed or brightened a little.

    Which of the 63 lowest frequencies exceed their median (pHash; Zauner, 2010). None where the
    image is flat, because it would resemble every other flat one.
    """
    grey = np.asarray(thumbnail.convert("L"), dtype=np.float64)
    if grey.std() < _FLAT:
        return None
    frequencies = (_COSINES @ grey @ _COSINES.T).ravel()[1:]
    # The first bit would be the mean brightness, which is to play no part.
    bits = np.concatenate([[False], frequencies > np.median(frequencies)])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
