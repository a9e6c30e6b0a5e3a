import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform
from torchvision.transforms.functional import normalize, to_tensor

from headstart.modalities.image.preprocessing import (
    ImagePreprocessing,
    evaluation_window,
    normalised,
    prepare,
)

IMAGE_SIZES = [(640, 427), (333, 500), (256, 256), (224, 224), (60, 45), (9, 300), (1, 1), (231, 97)]


def noise(width: int, height: int) -> Image.Image:
    """Smooth and rough parts, so that a shift of half a pixel shows."""
    generator = np.random.default_rng(width * height)
    small = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    rough = smooth + generator.integers(-20, 21, smooth.shape)
    return Image.fromarray(rough.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("image_size", IMAGE_SIZES)
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize(
    ("size", "crop", "interpolation"),
    [
        ((224, 224), 0.875, "bicubic"),
        ((224, 224), 1.0, "bicubic"),
        ((160, 160), 0.875, "bilinear"),
        ((96, 96), 0.95, "bilinear"),
        ((128, 192), 0.9, "bicubic"),
        ((224, 224), 0.875, "lanczos"),
    ],
)
def test_the_evaluation_form_is_that_of_timm(image_size, mode, size, crop, interpolation):
    preprocessing = ImagePreprocessing(size, crop, mode, interpolation, std=(0.2, 0.3, 0.25))
    transform = create_transform(
        input_size=(3, *size),
        interpolation=interpolation,
        crop_pct=crop,
        crop_mode=mode,
        mean=preprocessing.mean,
        std=preprocessing.std,
    )
    image = noise(*image_size)
    if mode == "border" and image_size == (9, 300):
        image = image.crop((0, 0, 9, 200))

    ours, theirs = prepare(image, preprocessing), transform(image)

    assert ours.shape == theirs.shape == (3, *size)
    assert ours.dtype == torch.float32
    levels = (ours - theirs).abs() * torch.tensor(preprocessing.std).view(3, 1, 1) * 255
    # Pillow rounds between its two passes, whose order depends on the part that is asked for.
    assert levels.mean() < 0.35
    assert (levels > 1.01).float().mean() < 0.01
    assert levels.max() <= 6


@pytest.mark.parametrize("image_size", [(1, 10_000), (10_000, 1), (1, 65_000)])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
def test_a_thread_is_prepared_without_a_giant_in_between(image_size, mode):
    preprocessing = ImagePreprocessing((224, 224), mode=mode)
    tensor = prepare(Image.new("RGB", image_size, (124, 116, 104)), preprocessing)
    assert tensor.abs().max() < 0.01


def test_the_window_lies_within_the_image_and_its_ends_meet_the_geometry():
    for mode in ("center", "squash", "border"):
        for width, height in IMAGE_SIZES:
            window = evaluation_window((width, height), ImagePreprocessing((224, 160), 0.9, mode))
            left, top, right, bottom = window.box
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            corners = window.geometry().map(np.array([[left, top], [right, bottom]]))
            assert np.allclose(corners, [window.corner, np.add(window.corner, window.size)])


@pytest.mark.parametrize("mean", [(0.485, 0.456, 0.406), (0.5,)])
def test_every_level_becomes_what_torchvision_makes_of_it_to_the_bit(mean):
    preprocessing = ImagePreprocessing((16, 16), mean=mean, std=(0.229, 0.224, 0.225)[: len(mean)])
    levels = np.arange(256, dtype=np.uint8)
    image = Image.fromarray(np.stack([levels, levels[::-1], levels], axis=1).reshape(16, 16, 3))
    plain = image if len(mean) == 3 else image.convert("L")
    expected = normalize(to_tensor(plain), preprocessing.mean, preprocessing.std)
    tensor = normalised(image, preprocessing)
    assert torch.equal(tensor, expected)
    assert tensor.is_contiguous()


def test_a_grey_network_gets_one_channel():
    preprocessing = ImagePreprocessing((32, 32), mode="border", mean=(0.5,), std=(0.25,))
    tensor = prepare(noise(50, 20), preprocessing)
    assert tensor.shape == (1, 32, 32)
    assert tensor[0, 0, 0] == pytest.approx(0, abs=0.01)


def test_preprocessing_survives_the_way_through_json():
    preprocessing = ImagePreprocessing(
        (224, 192), 0.9, "border", "bilinear", (0.5, 0.4, 0.3), (0.1, 0.2, 0.3)
    )
    state = json.loads(json.dumps(preprocessing.state()))
    assert ImagePreprocessing.from_state(state) == preprocessing
    assert replace(preprocessing, size=(96, 96)) != preprocessing
