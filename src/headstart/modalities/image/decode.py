"""Anything that is a picture as an upright RGB image of 8 bits, or an error that says why not.

The one way in, for training and serving alike. Knows nothing of sizes that networks want.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from headstart.errors import DataError
from headstart.modalities.image.quiet import Quiet

ImageSource = Path | str | bytes | Image.Image | np.ndarray

MAX_PIXELS = 80_000_000
MAX_SIDE = 65_535

# What is read, with the usual suffixes; a file is told by its first bytes, whatever its name. Pillow
# reads more, but EPS runs an interpreter, and some formats take any bytes for a picture.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jfif", ".mpo"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2",),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_quiet = Quiet()


class _Refused(Exception):
    """Why a source is no picture: a clause, and what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


def open_image(source: ImageSource, *, name: str | None = None) -> Image.Image:
    """A picture as an upright RGB image of 8 bits: its first frame, fully decoded.

    Transparency is laid over white. Values of more than 8 bits, and floats, are scaled:

    - integers by the smallest of 255, 4095 and 65535 that holds all of the image's values (so
      that 12-bit cameras in 16-bit files are not black),
    - floats and booleans in [0, 1] by 1,
    - all others from their own smallest to their own largest value.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array (H, W), (H, W, 1),
            (H, W, 3) or (H, W, 4).
        name: of the source, to begin messages with; a path names itself.

    Raises:
        DataError: there is no such file, it is empty, no picture, damaged, incomplete, or has
            more than `MAX_PIXELS` pixels or `MAX_SIDE` on a side.
    """
    if name is None:
        name = str(source) if isinstance(source, str | Path) else "the given image"
    try:
        with _quiet:
            return _decoded(source)
    # On damaged bytes Pillow's readers raise whatever comes: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        refused = _refusal(error, source)
        where = f"{name}: " if name else ""
        raise DataError(f"{where}{refused}.", refused.remedy) from error


def _decoded(source: ImageSource) -> Image.Image:
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _upright_rgb(source)
    file = BytesIO(source) if isinstance(source, bytes) else source
    with Image.open(file, formats=tuple(FORMATS)) as image:
        return _upright_rgb(image)


def _refusal(error: Exception, source: ImageSource) -> _Refused:
    match error:
        case _Refused():
            return error
        case FileNotFoundError():
            return _Refused("there is no such file", "Correct the path, or remove the row.")
        case Image.DecompressionBombError():
            return _too_large("an image of more pixels than Pillow opens")
        case UnidentifiedImageError():
            return _Refused(_unidentified(source), "Replace it by a picture, or remove it.")
        case _:
            why = f"the image is damaged, incomplete or not readable ({error})"
            return _Refused(why, "Replace it by an intact copy, or remove it.")


def _unidentified(source: ImageSource) -> str:
    if isinstance(source, bytes):
        beginning = source[:16]
    else:
        with Path(str(source)).open("rb") as file:
            beginning = file.read(16)
    if not beginning:
        return "the file is empty (0 bytes)"
    known = ", ".join(FORMATS)
    return f"the file is no intact picture of a known format ({known}); it begins with {beginning!r}"


def _too_large(what: str) -> _Refused:
    limit = f"at most {MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE} on a side are decoded"
    return _Refused(f"{what} is too large; {limit}", "Scale it down first, or remove it.")


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise _Refused(f"an image of {width} x {height} has no pixels", "Remove it.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_large(f"an image of {width} x {height} pixels")


def _upright_rgb(image: Image.Image) -> Image.Image:
    _check_size(*image.size)
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    image = _rgb(image)
    if turn is None:
        return image
    upright = image.transpose(turn)
    # A copy inherits the tag, and whoever opened it again would turn it again.
    upright.info.clear()
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    # Garbage in the metadata says nothing of the pixels: the image is taken as it lies.
    except Exception:
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_scaled_to_bytes(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layer, mask=layer)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise _Refused(
            f"an array of shape {array.shape} is no picture",
            "Give it as (height, width), or (height, width, 3 or 4) with the colours last.",
        )
    _check_size(array.shape[1], array.shape[0])
    return _rgb(Image.fromarray(np.ascontiguousarray(_scaled_to_bytes(array))))


def _scaled_to_bytes(values: np.ndarray) -> np.ndarray:
    """Values of any real type as uint8, by the ranges that `open_image` states."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "buif":
        raise _Refused(f"values of type {values.dtype} are no picture", "Give integers or floats.")
    if not np.isfinite(values).all():
        raise _Refused("the image holds values that are not finite", "Replace them by numbers, or remove it.")
    low, high = float(values.min()), float(values.max())
    ranges = (255.0, 4095.0, 65535.0) if values.dtype.kind in "ui" else (1.0,)
    if low >= 0 and high <= ranges[-1]:
        low, high = 0.0, next(top for top in ranges if high <= top)
    scale = 255 / (high - low) if high > low else 0.0
    scaled: np.ndarray = np.rint((values.astype(np.float64) - low) * scale).astype(np.uint8)
    return scaled
