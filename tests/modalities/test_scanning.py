import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from sklearn.datasets import load_sample_images

from headstart.modalities.image.decode import open_image
from headstart.modalities.image.scanning import scan_image

PHOTOS = [Image.fromarray(photo) for photo in load_sample_images().images]


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def distance(one: Image.Image | bytes, other: Image.Image | bytes) -> int:
    hashes = scan_image(one).hash, scan_image(other).hash
    assert hashes[0] is not None
    assert hashes[1] is not None
    return (hashes[0] ^ hashes[1]).bit_count()


def test_the_same_pixels_in_another_format_are_the_same_content():
    scans = [scan_image(saved(PHOTOS[0], format)) for format in ("PNG", "BMP", "TIFF")]
    scans.append(scan_image(np.asarray(PHOTOS[0])))
    assert len({scan.content for scan in scans}) == 1
    assert len(scans[0].content) == 64


def test_one_other_pixel_is_other_content_and_so_is_another_shape():
    changed = PHOTOS[0].copy()
    changed.putpixel((3, 3), (1, 2, 3))
    assert scan_image(changed).content != scan_image(PHOTOS[0]).content
    lying, standing = np.zeros((2, 8, 3), np.uint8), np.zeros((8, 2, 3), np.uint8)
    assert scan_image(lying).content != scan_image(standing).content


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_hash_outlives_scaling_compression_and_a_little_light(photo: Image.Image):
    assert distance(photo, photo.resize((64, 43))) <= 4
    assert distance(photo, saved(photo, "JPEG", quality=10)) <= 4
    assert distance(photo, photo.filter(ImageFilter.GaussianBlur(6))) <= 4
    assert distance(photo, ImageEnhance.Brightness(photo).enhance(1.15)) <= 6
    assert distance(photo, photo.convert("L")) <= 2
    assert 0 <= scan_image(photo).hash < 2**64


def test_the_hash_tells_different_pictures_apart():
    corners = [(x, y) for x in (0, 200, 400) for y in (0, 200)]
    crops = [photo.crop((x, y, x + 200, y + 200)) for photo in PHOTOS for x, y in corners]
    pairs = [distance(one, other) for i, one in enumerate(crops) for other in crops[:i]]
    assert min(pairs) > 12


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 30, 200)])
def test_a_flat_image_has_no_hash(colour):
    scan = scan_image(Image.new("RGB", (50, 40), colour))
    assert scan.hash is None
    assert scan.error is None
    assert scan.content


def test_the_size_is_that_of_the_upright_image():
    exif = Image.Exif()
    exif[274] = 6
    assert scan_image(saved(PHOTOS[0], "JPEG", exif=exif)).size == PHOTOS[0].size[::-1]


def test_grey_means_without_colour():
    grey = PHOTOS[0].convert("L")
    assert scan_image(grey).grey
    assert scan_image(saved(grey.convert("RGB"), "JPEG", quality=60)).grey
    assert not scan_image(PHOTOS[0]).grey


def test_an_unreadable_image_is_no_exception(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    scan = scan_image(path)
    assert scan.error == "the file is empty (0 bytes)."
    assert (scan.content, scan.hash, scan.size) == ("", None, (0, 0))


def test_a_scan_describes_what_training_sees():
    photo = saved(PHOTOS[1], "JPEG")
    assert scan_image(photo).size == open_image(photo).size
