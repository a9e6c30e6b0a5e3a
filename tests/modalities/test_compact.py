import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from headstart.config.policies import POLICIES
from headstart.config.schema import Augmentation
from headstart.contracts import Example
from headstart.modalities.image.compact import compact_form
from headstart.modalities.image.cropping import draw_box, smallest_sides
from headstart.modalities.image.modality import ImageModality
from headstart.modalities.image.preprocessing import ImagePreprocessing

PREPROCESSING = ImagePreprocessing((64, 64))
PHOTO = Image.fromarray(load_sample_images().images[1]).resize((320, 213), Image.Resampling.LANCZOS)
SIZES = [(320, 213), (70, 140), (64, 64), (40, 30), (1, 1), (300, 7), (9, 400)]


def modality(policy: str | Augmentation = "medium", preprocessing=PREPROCESSING) -> ImageModality:
    augmentation = POLICIES[policy] if isinstance(policy, str) else policy
    return ImageModality(preprocessing, augmentation, seed=3)


def photo_of(size: tuple[int, int]) -> Example:
    file = io.BytesIO()
    PHOTO.resize(size).save(file, "PNG")
    return Example(id="a", input=file.getvalue())


def size_in_bytes(row) -> int:
    return sum(array.nbytes for name, array in row.items() if name != "size")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("policy", ["none", "medium"])
@pytest.mark.parametrize(
    "preprocessing",
    [
        PREPROCESSING,
        ImagePreprocessing((64, 48), 1.0, "squash", "bilinear"),
        ImagePreprocessing((48, 64), 0.9, "border", "bicubic", (0.5, 0.4, 0.3), (0.1, 0.2, 0.3)),
        ImagePreprocessing((64, 64), 0.95, "center", "nearest", (0.5,), (0.25,)),
    ],
    ids=lambda preprocessing: preprocessing.mode,
)
def test_evaluation_views_are_those_of_the_file_to_the_bit(preprocessing, policy, size):
    images, example = modality(policy, preprocessing), photo_of(size)
    expected = images.view(example, None)
    view = images.view(example, None, images.intake(example).compact)
    assert torch.equal(view.inputs["x"], expected.inputs["x"])
    assert view.geometry == expected.geometry


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("policy", POLICIES)
def test_augmented_views_are_close_to_those_of_the_file_and_lie_in_the_same_place(policy, size):
    images, example = modality(policy), photo_of(size)
    row = images.intake(example).compact
    same = POLICIES[policy].crop == 1 or row["whole"].shape[:2] == size[::-1]
    for epoch in range(6):
        expected, view = images.view(example, epoch), images.view(example, epoch, row)
        difference = (view.inputs["x"] - expected.inputs["x"]).abs().mean()
        # A level of 255 is 0.017 here; resampling twice costs about one.
        assert difference < (0.05 if not same else 1e-9)
        assert view.geometry == expected.geometry


def test_what_moves_turns_and_colours_but_does_not_crop_is_that_of_the_file_to_the_bit():
    images, example = modality(replace(POLICIES["strong"], crop=1.0)), photo_of((320, 213))
    row = images.intake(example).compact
    assert set(row) == {"size", "evaluation"}
    for epoch in range(4):
        x = images.view(example, epoch, row).inputs["x"]
        assert torch.equal(x, images.view(example, epoch).inputs["x"])


@pytest.mark.parametrize("size", [(320, 213), (213, 320), (100, 100), (300, 40), (5, 900)], ids=str)
@pytest.mark.parametrize("crop", [0.08, 0.25, 0.5, 0.9])
def test_no_box_is_smaller_than_the_smallest_and_some_are_nearly_so_small(crop, size):
    boxes = np.array([draw_box(crop, np.random.default_rng(seed), size) for seed in range(4000)])
    sides = boxes[:, 2:] - boxes[:, :2]
    least = np.array(smallest_sides(crop, size))
    assert (sides >= least * (1 - 1e-12)).all()
    assert (sides.min(axis=0) < least * 1.2).all()


@pytest.mark.parametrize("size", [(320, 213), (213, 320), (400, 100)], ids=str)
def test_the_smallest_crop_of_the_scaled_image_just_has_the_networks_pixels(size):
    row = compact_form(PHOTO.resize(size), ImagePreprocessing((40, 24)), smallest_crop=0.6)
    scale = np.array(row["whole"].shape[1::-1]) / size
    spare = smallest_sides(0.6, size) * scale / (24, 40)
    assert (spare >= 1).all()
    assert spare.min() < 1.05
    assert abs(scale[0] / scale[1] - 1) < 0.05


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("crop", [0.25, 0.7, 1.0])
def test_the_smaller_of_the_two_forms_is_kept_and_the_original_is_lossless(crop, size):
    image = PHOTO.resize(size)
    row = compact_form(image, PREPROCESSING, smallest_crop=crop)
    assert row["size"].tolist() == list(size)
    assert size_in_bytes(row) <= image.width * image.height * 3
    if crop == 1:
        assert size_in_bytes(row) <= 64 * 64 * 3
    if "evaluation" not in row:
        assert np.array_equal(row["whole"], np.asarray(image))


def test_a_view_from_the_compact_form_never_looks_at_the_input(tmp_path: Path):
    images, example = modality(), photo_of((320, 213))
    row = images.intake(example).compact
    gone = Example(id="a", input=tmp_path / "gone.jpg")
    for epoch in (None, 2):
        expected = images.view(example, epoch, row)
        assert torch.equal(images.view(gone, epoch, row).inputs["x"], expected.inputs["x"])


@pytest.mark.parametrize("policy", ["none", "light"])
def test_what_was_kept_for_smaller_crops_serves_larger_ones(policy):
    images, example = modality(policy), photo_of((320, 213))
    row = modality("medium").intake(example).compact
    assert torch.equal(images.view(example, None, row).inputs["x"], images.view(example, None).inputs["x"])
    for epoch in range(4):
        expected, view = images.view(example, epoch), images.view(example, epoch, row)
        assert (view.inputs["x"] - expected.inputs["x"]).abs().mean() < 0.05
        assert view.geometry == expected.geometry


def test_a_row_in_a_read_only_memory_map_serves_and_stays_as_it_is(tmp_path: Path):
    images, example = modality("strong"), photo_of((320, 213))
    row = images.intake(example).compact
    mapped = {}
    for name, array in row.items():
        np.save(tmp_path / f"{name}.npy", array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    for epoch in (None, 0, 1):
        view = images.view(example, epoch, mapped)
        view.inputs["x"].zero_()
    assert all(np.array_equal(mapped[name], row[name]) for name in row)


def test_an_intake_tells_what_a_scan_tells(tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    broken = Example(id="b", input=tmp_path / "broken.jpg")
    for example in (photo_of((320, 213)), broken):
        assert modality().intake(example).scan == ImageModality.scan(example)
    assert modality().intake(broken).compact is None


def test_a_compact_form_that_is_not_wanted_is_not_made():
    example, asked = photo_of((70, 140)), []
    taken = modality().intake(example, lambda content: bool(asked.append(content)))
    assert taken.compact is None
    assert asked == [taken.scan.content] == [ImageModality.scan(example).content]


def test_the_state_differs_where_the_form_may_differ_and_only_there():
    def state(policy="medium", **pieces):
        return modality(policy, replace(PREPROCESSING, **pieces)).compact_state()

    assert state() == state(mean=(0.1, 0.2, 0.3)) == state(std=(1.0, 1.0, 1.0))
    assert state() == state(replace(POLICIES["strong"], crop=POLICIES["medium"].crop))
    assert state("none") == ImageModality(PREPROCESSING, None, 0).compact_state()
    others = [
        state("none"),
        state("light"),
        state(size=(64, 65)),
        state(crop=0.9),
        state(interpolation="bilinear"),
        state(mode="squash"),
        state(mode="border"),
        state(mode="border", mean=(0.1, 0.2, 0.3)),
    ]
    assert all(one != other for i, one in enumerate([state(), *others]) for other in others[i:])
