"""Data that a run is evaluated on, in another layout than its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from headstart.config.schema import Config, DataConfig
from headstart.errors import DataError
from headstart.steps.run_data import other_examples


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders, with a table of the same files beside them."""
    names = ["cat/a1.png", "cat/b2.png", "dog/a1.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "photos.csv").write_text("path,label\n" + "".join(f"{name},{name[:3]}\n" for name in names))
    return tmp_path


def test_columns_of_a_runs_table_are_not_looked_for_in_folders(photos: Path) -> None:
    table = DataConfig(path="gone.csv", input="file", label="species", group="camera")
    examples, groups = other_examples(Config(data=table), photos)
    assert [example.target for example in examples] == ["cat", "cat", "dog"]
    assert not groups


def test_groups_in_a_runs_paths_are_not_looked_for_in_tables(photos: Path) -> None:
    folders = DataConfig(path="gone", group=r"([ab])\d")
    examples, groups = other_examples(Config(data=folders), photos / "photos.csv")
    assert [example.target for example in examples] == ["cat", "cat", "dog"]
    assert not groups


def test_in_the_same_layout_columns_and_groups_are_those_of_the_run(photos: Path) -> None:
    _, groups = other_examples(Config(data=DataConfig(path="gone", group=r"([ab])\d")), photos)
    assert groups == {"cat/a1.png": "a", "cat/b2.png": "b", "dog/a1.png": "a"}
    with pytest.raises(DataError, match="no column 'species'"):
        other_examples(Config(data=DataConfig(path="gone.csv", label="species")), photos / "photos.csv")
