import pytest

from headstart.config.schema import DataConfig
from headstart.data.forms.form import Lack
from headstart.data.forms.parallel_texts import ParallelTexts
from headstart.data.read import read
from headstart.data.tables import read_inputs
from headstart.errors import DataError

FORM = ParallelTexts(frozenset({".txt"}))
TEXTS = ("a small house", "ein kleines Haus")


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.parquet"])
def test_two_languages_are_given_and_written_in_their_order(save, name):
    dataset = read(save(name, [{"en": TEXTS[0], "de": TEXTS[1]}]), DataConfig(), FORM)
    (example,) = dataset.examples
    assert (example.input, example.target) == TEXTS
    assert dataset.columns == {"input": "en", "label": "de"}
    assert not dataset.labelled


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("source", "target"), ("source", "target")),
        (("target", "source"), ("source", "target")),
        (("tgt", "src"), ("src", "tgt")),
        (("output", "input"), ("input", "output")),
        (("summary", "text"), ("text", "summary")),
        (("title", "summary", "article"), ("article", "summary")),
        (("de", "en"), ("de", "en")),
        (("pt-BR", "zh_Hans"), ("pt-BR", "zh_Hans")),
        (("id", "en", "de"), ("en", "de")),
        (("note", "en", "de"), ("en", "de")),
        (("old", "new"), ("old", "new")),
    ],
)
def test_columns_are_guessed(save, columns, expected):
    rows = [{name: f"some words of {name}, {number}" for name in columns} for number in range(3)]
    dataset = read(save("t.jsonl", rows), DataConfig(), FORM)
    assert dataset.columns == {"input": expected[0], "label": expected[1]}


def test_stated_columns_are_taken_and_the_other_one_is_found(save):
    path = save("t.jsonl", [{"en": "a house", "de": "ein Haus", "fr": "une maison"}])

    def columns(**stated):
        return read(path, DataConfig(**stated), FORM).columns

    assert columns(input="de", label="fr") == {"input": "de", "label": "fr"}
    assert read(
        save("p.jsonl", [{"en": "a house", "de": "ein Haus"}]), DataConfig(input="de"), FORM
    ).columns == {
        "input": "de",
        "label": "en",
    }
    with pytest.raises(DataError, match="which column holds the texts that are to be written"):
        columns(input="en")
    with pytest.raises(DataError, match="which column holds the texts that are given") as refused:
        columns()
    assert "data.input=NAME" in refused.value.remedy


def test_a_partner_of_the_stated_column_needs_no_statement(save):
    rows = [{"source": "a b", "target": "c d", "note": "e f"}]
    dataset = read(save("t.jsonl", rows), DataConfig(input="source"), FORM)
    assert dataset.columns["label"] == "target"
    dataset = read(save("t.jsonl", rows), DataConfig(label="target"), FORM)
    assert dataset.columns["input"] == "source"


def test_one_column_of_texts_is_no_pair(save):
    with pytest.raises(DataError, match="which column holds the texts that are to be written"):
        read(save("t.csv", "en,year\na house,1999\n"), DataConfig(), FORM)


def test_empty_cells_are_passed_over_with_their_row(save):
    rows = [{"en": f"text {number}", "de": f"Text {number}"} for number in range(40)]
    rows[1]["en"], rows[3]["de"] = "", " "
    dataset = read(save("t.csv", rows), DataConfig(), FORM)
    assert dataset.skipped == (
        "t.csv, line 3: the text is empty.",
        "t.csv, line 5: no target text in column 'de'.",
    )
    assert len(dataset.examples) == 38


def test_cells_that_are_no_texts_are_named(save):
    rows = [{"en": "a house", "de": "ein Haus"}] * 3 + [{"en": "a house", "de": ["Haus"]}]
    with pytest.raises(DataError, match=r"t\.jsonl, line 4: must be a text, not list") as refused:
        read(save("t.jsonl", rows), DataConfig(), FORM)
    assert refused.value.remedy
    with pytest.raises(DataError, match="the given text must be in one column, not 2"):
        read(save("t.jsonl", rows[:1]), DataConfig(input="en,de", label="de"), FORM)


def test_two_columns_of_targets_are_refused_as_one_that_is_not_there(save):
    with pytest.raises(DataError, match="no column 'en,de'"):
        read(save("t.jsonl", [{"en": "a house", "de": "Haus"}]), DataConfig(label="en,de"), FORM)


def test_given_texts_alone_are_read(save):
    found = read_inputs(save("t.csv", "en\na house\n"), FORM, ["en"])
    assert found == [("t.csv:2", "a house")]
    assert read_inputs(save("t.csv", "english,year\na house,1\n,2\n"), FORM, ["en"]) == [
        ("t.csv:2", "a house"),
        ("t.csv:3", Lack("the text is empty.")),
    ]


def test_real_translations_are_read_with_their_splits(real_texts):
    dataset = read(real_texts / "django_translations" / "en-de", DataConfig(), FORM)
    assert {name: len(ids) for name, ids in dataset.splits.items()} == {"train": 539, "test": 134}
    first = next(example for example in dataset.examples if example.id == "en-de.train.csv:2")
    assert (first.input, first.target) == ("File", "Datei")
