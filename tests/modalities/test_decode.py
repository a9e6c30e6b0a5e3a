import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from headstart.errors import DataError
from headstart.modalities.image.decode import MAX_PIXELS, MAX_SIDE, open_image
from headstart.modalities.image.quiet import Quiet

RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)

TO_LYING = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def blocks(height: int = 4, width: int = 6, side: int = 16, seed: int = 0) -> Image.Image:
    """Blocks of random colours: no two turns of it are alike, and JPEG keeps them well."""
    colours = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(colours.repeat(side, 0).repeat(side, 1))


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def only_colour(image: Image.Image) -> tuple[int, ...]:
    (colour,) = set(image.get_flattened_data())
    return colour


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("format", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 4),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
    ],
)
def test_an_image_is_upright_whatever_its_orientation(format, options, tolerance, orientation):
    upright = blocks()
    turn = TO_LYING[orientation]
    lying = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    opened = open_image(saved(lying, format, exif=exif, **options))

    assert opened.size == upright.size
    assert np.abs(pixels(opened) - pixels(upright)).max() <= tolerance
    assert np.array_equal(pixels(open_image(opened)), pixels(opened)), "opening twice turns it once"


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_inks_become_the_colours_that_they_print(format):
    red = Image.new("RGB", (32, 32), RED)
    opened = open_image(saved(red.convert("CMYK"), format))
    assert np.abs(pixels(opened) - pixels(red)).max() <= 3


def palette_image(transparency: object) -> bytes:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([*BLACK, *RED])
    options = {} if transparency is None else {"transparency": transparency}
    return saved(image, "PNG", **options)


@pytest.mark.parametrize(
    ("source", "colour"),
    [
        (palette_image(None), RED),
        (palette_image(0), RED),
        (palette_image(1), WHITE),
        (palette_image(b"\xff\x80"), (255, 127, 127)),
        (saved(Image.new("P", (8, 8), 0), "GIF", transparency=0), WHITE),
        (saved(Image.new("RGBA", (8, 8), (*RED, 0)), "PNG"), WHITE),
        (saved(Image.new("RGBA", (8, 8), (*RED, 255)), "PNG"), RED),
        (saved(Image.new("RGBA", (8, 8), (*BLACK, 51)), "PNG"), (204, 204, 204)),
        (saved(Image.new("LA", (8, 8), (0, 51)), "PNG"), (204, 204, 204)),
        (saved(Image.new("RGB", (8, 8), RED), "PNG", transparency=RED), WHITE),
        (saved(Image.new("L", (8, 8), 7), "PNG"), (7, 7, 7)),
        (saved(Image.new("1", (8, 8), 1), "PNG"), WHITE),
        (saved(Image.new("1", (8, 8), 0), "TIFF"), BLACK),
        (saved(Image.new("RGB", (8, 8), RED), "BMP"), RED),
        (saved(Image.new("RGB", (8, 8), RED), "PPM"), RED),
    ],
)
def test_every_mode_has_one_meaning_and_transparency_lies_on_white(source, colour):
    opened = open_image(source)
    assert opened.mode == "RGB"
    assert np.abs(np.array(only_colour(opened)) - colour).max() <= 1


@pytest.mark.parametrize("format", ["GIF", "MPO", "TIFF", "WEBP", "PNG"])
def test_the_first_of_several_frames_counts(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLACK, WHITE)]
    source = saved(frames[0], format, save_all=True, append_images=frames[1:])
    assert np.abs(pixels(open_image(source)) - RED).max() <= 3


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("top", [4095, 65535])
def test_sixteen_bits_are_scaled_not_clipped(format, top):
    ramp = np.linspace(0, top, 256).astype(np.uint16).reshape(16, 16)
    opened = open_image(saved(Image.fromarray(ramp), format))
    assert np.abs(pixels(opened)[..., 0] - np.arange(256).reshape(16, 16)).max() <= 1


def test_big_endian_and_wide_integers_are_scaled_too():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    expected = pixels(open_image(ramp))
    swapped = Image.frombytes("I;16B", (16, 16), ramp.astype(">u2").tobytes())
    wide = Image.fromarray(ramp.astype(np.int32))
    for image in (swapped, wide, saved(swapped, "TIFF"), saved(wide, "TIFF")):
        assert np.array_equal(pixels(open_image(image)), expected)


def test_a_dark_frame_of_sixteen_bits_keeps_the_scale_of_its_camera():
    bright, dark = np.full((4, 4), 4000, np.uint16), np.full((4, 4), 1000, np.uint16)
    assert pixels(open_image(bright)).max() == round(4000 / 4095 * 255)
    assert pixels(open_image(dark)).max() == round(1000 / 4095 * 255)


def test_floats_between_0_and_1_are_taken_as_they_are_and_others_by_their_range():
    dim = np.full((4, 4), 0.2, np.float32)
    assert only_colour(open_image(saved(Image.fromarray(dim), "TIFF"))) == (51, 51, 51)
    hounsfield = np.linspace(-1000, 3000, 256).astype(np.float32).reshape(16, 16)
    opened = open_image(saved(Image.fromarray(hounsfield), "TIFF"))
    assert np.array_equal(pixels(opened)[..., 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    image = np.full((4, 4), value, np.float32)
    for source in (image, saved(Image.fromarray(image), "TIFF")):
        with pytest.raises(DataError, match="not finite"):
            open_image(source)


def test_arrays_of_the_usual_shapes_are_images():
    colour = np.full((4, 5, 3), RED, np.uint8)
    grey = np.full((4, 5), 9, np.uint8)
    clear = np.concatenate([colour, np.zeros((4, 5, 1), np.uint8)], axis=2)
    assert only_colour(open_image(colour)) == RED
    assert only_colour(open_image(colour[:, ::-1])) == RED
    assert only_colour(open_image(colour / 255)) == RED
    assert only_colour(open_image(grey)) == only_colour(open_image(grey[:, :, None])) == (9, 9, 9)
    assert only_colour(open_image(grey > 0)) == WHITE
    assert only_colour(open_image(clear)) == WHITE
    assert open_image(colour).size == (5, 4)


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4, 5)), np.zeros(4), np.zeros((0, 4)), np.zeros((4, 4), complex), np.array([["a"]])],
    ids=["colours first", "one axis", "no pixels", "complex", "text"],
)
def test_arrays_that_are_no_picture_are_refused(array):
    with pytest.raises(DataError, match=r"picture|pixels"):
        open_image(array)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, format, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = saved(noise, format)
    path = tmp_path / "cut.img"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match=r"cut\.img: .*(damaged|begins with)"):
        open_image(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"photo\.jpg: the file is empty \(0 bytes\)\. Replace it"),
        (
            b"<!DOCTYPE html><html></html>",
            r"photo\.jpg: the file is no intact picture .* b'<!DOCTYPE html><'",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no intact picture of a known format"),
    ],
)
def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path: Path, content, sentence):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        open_image(path)
    with pytest.raises(DataError, match=sentence.replace(r"photo\.jpg", r"row 7")):
        open_image(content, name="row 7")


def test_what_is_not_there_is_said_so(tmp_path: Path):
    with pytest.raises(DataError, match="there is no such file"):
        open_image(tmp_path / "missing.png")
    with pytest.raises(DataError, match="directory"):
        open_image(str(tmp_path))


def test_the_suffix_does_not_matter(tmp_path: Path):
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(saved(blocks(), "PNG"))
    assert np.array_equal(pixels(open_image(path)), pixels(blocks()))


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of one pixel whose header, checksum included, states another size."""
    honest = saved(Image.new("1", (1, 1)), "PNG")
    header = b"IHDR" + struct.pack(">II", width, height) + honest[24:29]
    return honest[:12] + header + struct.pack(">I", zlib.crc32(header)) + honest[33:]


@pytest.mark.parametrize("size", [(10_000, 10_000), (40_000, 40_000), (MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)])
def test_a_bomb_is_refused_by_its_header(size, recwarn):
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(DataError, match="too large; at most 80 million pixels"):
        open_image(png_that_claims(*size))
    assert limit == Image.MAX_IMAGE_PIXELS
    assert not recwarn.list


def test_a_bomb_is_refused_also_where_it_is_decoded_already():
    with pytest.raises(DataError, match="too large"):
        open_image(np.broadcast_to(np.uint8(0), (10_000, MAX_PIXELS // 10_000 + 1)))


def test_a_bomb_of_text_is_refused():
    information = PngImagePlugin.PngInfo()
    information.add_text("comment", "a" * 3_000_000, zip=True)
    with pytest.raises(DataError, match="too large"):
        open_image(saved(blocks(), "PNG", pnginfo=information))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_garbage_in_the_metadata_neither_hurts_nor_warns(format, recwarn):
    generator = np.random.default_rng(0)
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "someone"
    exif[ExifTags.Base.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    expected = pixels(open_image(saved(blocks(), format)))
    for _ in range(30):
        damaged = bytearray(exif.tobytes())
        for position in generator.integers(6, len(damaged), 8):
            damaged[position] = generator.integers(256)
        random = b"Exif\0\0" + generator.bytes(60)
        for metadata in (bytes(damaged), random):
            opened = pixels(open_image(saved(blocks(), format, exif=metadata)))
            assert sorted(opened.shape) == sorted(expected.shape)
    assert not recwarn.list


def test_a_picture_may_be_a_single_pixel_or_a_thread():
    for size in [(1, 1), (1, 10_000), (10_000, 1)]:
        assert open_image(saved(Image.new("RGB", size, RED), "PNG")).size == size


def test_path_text_bytes_and_pillow_image_give_the_same_pixels(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    blocks().save(path)
    with Image.open(path) as lazy:
        images = [open_image(source) for source in (path, str(path), path.read_bytes(), lazy)]
    assert all(np.array_equal(pixels(image), pixels(images[0])) for image in images)


def test_the_callers_own_image_is_left_alone():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(io.BytesIO(saved(blocks(), "PNG", exif=exif))) as own:
        open_image(own)
        assert own.size == blocks().size
        assert own.getexif()[ExifTags.Base.Orientation] == 6


def test_threads_that_leave_in_another_order_leave_the_warnings_as_they_were():
    before = list(warnings.filters)
    quiet = Quiet()
    first_may_leave = threading.Event()

    def first() -> None:
        with quiet:
            first_may_leave.wait()

    thread = threading.Thread(target=first)
    thread.start()
    with quiet:
        first_may_leave.set()
        thread.join()
        warnings.warn("not heard", stacklevel=1)
    assert warnings.filters == before
    with pytest.raises(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)
