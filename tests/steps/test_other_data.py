"""Data that a model is evaluated on: in another layout than its run's own, or without a run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import headstart as hs
from headstart.artifact.model import Model
from headstart.config.schema import Config, DataConfig
from headstart.contracts import Example
from headstart.errors import DataError
from headstart.modalities.text.modality import TextModality
from headstart.steps.run_data import other_examples
from headstart.steps.to_score import examples_for
from headstart.tasks.text_classification import TextClassification


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


def test_rows_that_were_put_into_a_runs_table_are_not_taken_for_those_that_it_had(tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("text,label\n" + "".join(f"text number {row},{'ab'[row % 2]}\n" for row in range(60)))
    run = Path(hs.fit(table, technique="linear-probe", out=tmp_path / "run", stream=None).path)
    assert hs.evaluate(run).n > 0
    table.write_text(table.read_text().replace("label\n", "label\nanother text,a\n"))
    with pytest.raises(DataError, match="the test examples are not what they were when the run was made"):
        hs.evaluate(run)
    assert hs.evaluate(run, table).n == 61


def reader(*columns: str) -> Model:
    """What is asked of a model of texts: its task, and the columns that it was trained on."""
    task = TextClassification.from_examples([Example("0", "", "x|y"), Example("1", "", "z")], {})
    return SimpleNamespace(task=task, modality=TextModality, facts={"columns": columns})  # type: ignore[return-value]


def test_a_model_without_a_run_reads_the_columns_of_its_inputs_where_they_are_there(tmp_path: Path) -> None:
    pairs, texts = tmp_path / "pairs.csv", tmp_path / "texts.csv"
    pairs.write_text("this,that,label\na dog barks,no dog barks,x|y\na cat sleeps,no cat sleeps,z\n")
    texts.write_text("text,label\na dog barks,x|y\nno dog barks,z\n")
    examples, _ = examples_for(tmp_path, reader("this", "that"), pairs)
    assert [example.input for example in examples] == [
        ("a dog barks", "no dog barks"),
        ("a cat sleeps", "no cat sleeps"),
    ]
    assert [example.target for example in examples] == ["x|y", "z"]
    examples, _ = examples_for(tmp_path, reader("review"), texts)
    assert [example.input for example in examples] == ["a dog barks", "no dog barks"]


def test_single_texts_are_no_data_for_a_model_of_pairs(tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("text,label\na dog barks,x|y\nno dog barks,z\n")
    with pytest.raises(
        DataError, match=r"line 2: has 1 text, but .* trained on 2 texts an example \(this, that"
    ):
        examples_for(tmp_path, reader("this", "that"), texts)
