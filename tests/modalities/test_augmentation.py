from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.config.policies import POLICIES
from headstart.config.schema import Augmentation
from headstart.modalities.image.augmentation import Move, Variation, apply, draw, example_generator
from headstart.modalities.image.colour import COLOUR_OPERATIONS
from headstart.modalities.image.preprocessing import ImagePreprocessing, prepare

PLAIN = ImagePreprocessing((120, 160), 0.9, "center", "bilinear", mean=(0, 0, 0), std=(1, 1, 1))
SIZE = (320, 250)


def picture() -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (25, 32, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC)


def found(tensor: torch.Tensor) -> np.ndarray:
    """The centre of brightness, x before y."""
    light = tensor[0].double().numpy()
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


PIECES = {
    "evaluation": Variation(),
    "crop": Variation(box=(20.25, 31.5, 300.75, 240.0)),
    "horizontal flip": Variation(horizontal_flip=True),
    "vertical flip": Variation(vertical_flip=True),
    "rotation": Variation(move=Move(rotation=25)),
    "zoom in": Variation(move=Move(zoom=0.15)),
    "zoom out": Variation(move=Move(zoom=-0.3)),
    "shift": Variation(move=Move(shift_x=0.06, shift_y=-0.1)),
    "shear x": Variation(move=Move(shear_x=0.3)),
    "shear y": Variation(move=Move(shear_y=-0.3)),
    "all": Variation((10, 10, 310, 245), True, True, Move(-15, 0.1, 0.02, -0.02, 0.1, -0.1)),
}


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("variation", PIECES.values(), ids=PIECES)
def test_a_bright_dot_is_found_where_the_geometry_says(variation, mode):
    preprocessing = replace(PLAIN, mode=mode)
    for x, y in [(160, 125), (130, 100), (190, 110), (150, 155)]:
        image = Image.new("RGB", SIZE)
        image.paste((255, 255, 255), (x - 4, y - 4, x + 4, y + 4))
        tensor, geometry = apply(image, variation, preprocessing)
        (expected,) = geometry.map(np.array([[x, y]]))
        assert np.abs(found(tensor) - expected).max() < 0.1
        back = geometry.inverse().map(expected[None])
        assert np.allclose(back, [[x, y]])


def test_a_positive_rotation_turns_clockwise_and_a_positive_shift_goes_right_and_down():
    size = (100, 60)
    assert np.allclose(Move(rotation=90).geometry(size).map(np.array([[60, 30]])), [[50, 40]])
    assert np.allclose(Move(shift_x=0.1, shift_y=0.1).geometry(size).map(np.array([[0, 0]])), [[10, 6]])


def test_without_augmentation_a_training_view_is_the_evaluation_view():
    generator = np.random.default_rng(0)
    variation = draw(Augmentation(), generator, SIZE)
    assert variation == Variation()
    tensor, _ = apply(picture(), variation, PLAIN)
    assert torch.equal(tensor, prepare(picture(), PLAIN))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_variation_is_a_function_of_seed_epoch_and_id(policy):
    def drawn(seed: int, epoch: int, id: str) -> Variation:
        return draw(POLICIES[policy], example_generator(seed, epoch, id), SIZE)

    assert drawn(0, 3, "ants/1.jpg") == drawn(0, 3, "ants/1.jpg")
    one = [drawn(0, epoch, "ants/1.jpg") for epoch in range(4)]
    other = [drawn(0, epoch, "ants/2.jpg") for epoch in range(4)]
    reseeded = [drawn(1, epoch, "ants/1.jpg") for epoch in range(4)]
    if policy != "none":
        assert len({*one, *other, *reseeded}) == 12


def test_the_randomness_of_an_example_has_nothing_to_do_with_the_global_one():
    state = np.random.get_state()[1].copy()
    torch_state = torch.get_rng_state()
    for id in ("a", "b", "lone surrogate \udcff"):
        apply(picture(), draw(POLICIES["strong"], example_generator(0, 0, id), SIZE), PLAIN)
    assert np.array_equal(np.random.get_state()[1], state)
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_what_is_drawn_keeps_to_its_limits():
    augmentation = replace(POLICIES["strong"], vertical_flip=0.25)
    for seed in range(300):
        variation = draw(augmentation, np.random.default_rng(seed), SIZE)
        left, top, right, bottom = variation.box
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]
        assert (right - left) * (bottom - top) >= augmentation.crop * SIZE[0] * SIZE[1] * 0.999
        assert 0.749 < (right - left) / (bottom - top) < 1.334
        assert abs(variation.move.rotation) <= augmentation.rotation
        assert abs(variation.move.zoom) <= augmentation.zoom
        assert max(abs(variation.move.shift_x), abs(variation.move.shift_y)) <= augmentation.shift
        for name, change in variation.colours:
            assert abs(change) <= getattr(augmentation, name)


@pytest.mark.parametrize("piece", ["horizontal_flip", "vertical_flip"])
def test_a_flip_comes_as_often_as_its_probability_says(piece):
    augmentation = Augmentation(**{piece: 0.25})
    flips = [getattr(draw(augmentation, np.random.default_rng(i), SIZE), piece) for i in range(2000)]
    assert 0.2 < np.mean(flips) < 0.3


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (3, 7)])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_works_on_any_shape(policy, size):
    for seed in range(5):
        variation = draw(POLICIES[policy], np.random.default_rng(seed), size)
        tensor, _ = apply(Image.new("RGB", size, (9, 8, 7)), variation, PLAIN)
        assert tensor.shape == (3, 120, 160)
        assert tensor.isfinite().all()


@pytest.mark.parametrize(
    "piece",
    [
        {"crop": 0.3},
        {"rotation": 30.0},
        {"zoom": 0.3},
        {"shift": 0.2},
        {"brightness": 0.5},
        {"contrast": 0.5},
        {"saturation": 0.5},
        {"hue": 0.3},
        {"horizontal_flip": 1.0},
        {"vertical_flip": 1.0},
    ],
    ids=lambda piece: next(iter(piece)),
)
def test_every_piece_changes_the_picture(piece):
    variation = draw(Augmentation(**piece), np.random.default_rng(1), SIZE)
    tensor, _ = apply(picture(), variation, PLAIN)
    assert (tensor - prepare(picture(), PLAIN)).abs().mean() > 0.01


def test_trivial_augmentation_reaches_every_operation_and_only_one_at_a_time():
    reached = {}
    for seed in range(200):
        variation = draw(Augmentation(policy="trivial"), np.random.default_rng(seed), SIZE)
        moved = [name for name, value in vars(variation.move).items() if value]
        coloured = [name for name, _ in variation.colours]
        assert len(moved) + len(coloured) <= 1
        reached |= dict.fromkeys(moved + coloured, variation)
    for variation in reached.values():
        apply(picture(), variation, PLAIN)
    assert set(reached) == {
        *("shear_x", "shear_y", "shift_x", "shift_y", "rotation"),
        *("brightness", "contrast", "saturation", "sharpness"),
        *("posterize", "solarize", "autocontrast", "equalize"),
    }


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "sharpness", "hue", "solarize"])
def test_no_change_of_colour_is_no_change(name):
    same = np.asarray(COLOUR_OPERATIONS[name](picture(), 0.0)).astype(int)
    # The way through hue, saturation and value and back is rounded twice.
    assert np.abs(same - np.asarray(picture())).max() <= (12 if name == "hue" else 0)


def test_a_third_of_the_circle_turns_red_to_green():
    turned = COLOUR_OPERATIONS["hue"](Image.new("RGB", (2, 2), (255, 0, 0)), 1 / 3)
    assert np.abs(np.array(turned.getpixel((0, 0))) - (0, 255, 0)).max() <= 4


def test_what_a_move_leaves_empty_shows_the_mean_colour():
    preprocessing = replace(PLAIN, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    tensor, _ = apply(picture(), Variation(move=Move(rotation=45)), preprocessing)
    assert tensor[:, 0, 0].abs().max() < 0.02
