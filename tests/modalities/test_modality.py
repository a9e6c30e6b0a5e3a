import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from headstart.catalog import MODALITIES, resolve
from headstart.config.policies import POLICIES
from headstart.contracts import Example
from headstart.errors import DataError
from headstart.modalities.image.modality import ImageModality
from headstart.modalities.image.preprocessing import ImagePreprocessing, prepare

PREPROCESSING = ImagePreprocessing((96, 96))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "flower.jpg"
    exif = Image.Exif()
    exif[274] = 8
    Image.fromarray(load_sample_images().images[1]).save(path, exif=exif)
    return path


def modality(policy: str = "strong", seed: int = 0) -> ImageModality:
    return ImageModality(PREPROCESSING, POLICIES[policy], seed)


def test_the_catalogue_finds_it():
    assert resolve("modality", "image", MODALITIES) is ImageModality


def test_training_and_serving_see_the_same_tensor(photo: Path):
    with Image.open(photo) as lazy:
        sources = [photo, str(photo), photo.read_bytes(), lazy]
        views = [modality().view(Example(id=str(i), input=s), None) for i, s in enumerate(sources)]
    tensors = [view.inputs["x"] for view in views]
    assert tensors[0].shape == (3, 96, 96)
    assert all(torch.equal(tensor, tensors[0]) for tensor in tensors)
    assert all(view.geometry == views[0].geometry for view in views)


@pytest.mark.parametrize("policy", ["light", "medium", "strong", "trivial"])
def test_a_view_is_a_function_of_seed_epoch_and_id(photo: Path, policy):
    example, other = Example(id="a", input=photo), Example(id="b", input=photo)

    def tensor(example: Example, epoch: int | None, seed: int = 0) -> torch.Tensor:
        return modality(policy, seed).view(example, epoch).inputs["x"]

    assert torch.equal(tensor(example, 5), tensor(example, 5))
    others = tensor(example, 6), tensor(other, 5), tensor(example, 5, seed=1), tensor(example, None)
    assert not any(torch.equal(different, tensor(example, 5)) for different in others)


def test_no_augmentation_is_the_evaluation_form_in_every_epoch(photo: Path):
    example = Example(id="a", input=photo)
    expected = modality().view(example, None)
    for plain in (modality("none"), ImageModality(PREPROCESSING, None, 0)):
        view = plain.view(example, 3)
        assert torch.equal(view.inputs["x"], expected.inputs["x"])
        assert view.geometry == expected.geometry


def test_an_input_may_be_an_image_in_memory():
    array = load_sample_images().images[0]
    view = modality().view(Example(id="a", input=array), None)
    assert torch.equal(view.inputs["x"], prepare(Image.fromarray(array), PREPROCESSING))


def test_a_picture_that_cannot_be_read_is_named_by_where_it_came_from(tmp_path: Path):
    missing = tmp_path / "gone.jpg"
    with pytest.raises(DataError, match=r"^table\.csv:12: there is no such file"):
        modality().view(Example(id="row", input=missing, origin="table.csv:12"), None)
    with pytest.raises(DataError, match=r"^ants/gone\.jpg: there is no such file"):
        modality().view(Example(id="ants/gone.jpg", input=missing), 0)


def test_a_scan_needs_no_checkpoint(photo: Path, tmp_path: Path):
    scan = ImageModality.scan(Example(id="a", input=photo))
    assert scan.size == (427, 640)
    assert scan.error is None
    assert ImageModality.scan(Example(id="b", input=tmp_path / "gone.jpg")).error == "there is no such file."


def test_a_picture_for_the_report_is_small_and_upright(photo: Path):
    picture = modality().picture(Example(id="a", input=photo))
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "JPEG"
        assert image.size == (128, 192)
    assert not image.getexif()
    assert len(picture) < 30_000


def test_there_is_a_picture_of_a_thread_and_none_of_what_cannot_be_read(tmp_path: Path):
    thread = np.zeros((1, 10_000), np.uint8)
    assert modality().picture(Example(id="a", input=thread))
    assert thread.shape == (1, 10_000)
    assert modality().picture(Example(id="b", input=tmp_path / "gone.jpg")) is None


def test_preprocessing_goes_into_the_bundle_and_back_and_needs_no_file_beside_it(tmp_path: Path):
    state = json.loads(json.dumps(ImageModality.preprocessing_state(PREPROCESSING)))
    assert ImageModality.preprocessing_from(state, tmp_path) == PREPROCESSING
    assert not ImageModality.preprocessing_files(PREPROCESSING)


def test_its_suffixes_are_lower_case_with_a_dot():
    assert {".jpg", ".png", ".tif"} <= ImageModality.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in ImageModality.suffixes)


def test_a_view_keeps_no_file_open(photo: Path):
    view = modality().view(Example(id="a", input=photo), 0)
    photo.unlink()
    assert np.isfinite(view.inputs["x"].numpy()).all()
