import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from headstart.config.schema import DataConfig
from headstart.data.dataset import Dataset
from headstart.data.forms.labelled_texts import LabelledTexts
from headstart.data.read import read
from headstart.errors import DataError

FORM = LabelledTexts(frozenset({".txt"}))
ROWS = [
    {"text": 'He said "well", and left; twice', "label": "good"},
    {"text": "Zwei Bären\nim Wald", "label": "bad"},
    {"text": "it was fine\u2028or so", "label": "good"},
]


def table(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def columns(folder: Path, header: str, *rows: str) -> dict[str, str]:
    """What serves as what in a CSV table."""
    return dict(read(table(folder, "t.csv", "\n".join([header, *rows])), DataConfig(), FORM).columns)


def inputs(dataset: Dataset) -> list[object]:
    return [example.input for example in dataset.examples]


def written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """The rows in the format of the suffix."""
    match path.suffix:
        case ".parquet":
            pyarrow = pytest.importorskip("pyarrow")
            from pyarrow import parquet

            parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)
        case ".jsonl" | ".ndjson":
            path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        case suffix:
            with path.open("w", newline="", encoding="utf-8") as file:
                delimiter = "\t" if suffix == ".tsv" else ","
                writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
                writer.writeheader()
                writer.writerows(rows)
    return path


# Formats and layouts


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.ndjson", "t.parquet"])
def test_every_format_gives_the_same_texts_to_the_character(tmp_path: Path, name: str) -> None:
    dataset = read(written(tmp_path / name, ROWS), DataConfig(), FORM)
    by_place = sorted(dataset.examples, key=lambda example: int(example.id.rpartition(":")[2]))
    assert [example.input for example in by_place] == [row["text"] for row in ROWS]
    assert [example.target for example in by_place] == ["good", "bad", "good"]
    assert dataset.columns == {"input": "text", "label": "label"}
    assert dataset.layout == "table"
    assert dataset.root == tmp_path
    assert not dataset.skipped


def test_an_example_is_called_by_its_row(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", 'text,label\n"two\nlines",a\nfine words,b\n')
    first, second = read(path, DataConfig(), FORM).examples
    assert (first.id, first.origin) == ("t.csv:2", "t.csv, line 2")
    assert (second.id, second.origin) == ("t.csv:4", "t.csv, line 4")


def test_equal_texts_are_examples_of_their_own(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "text,label\nthe same,a\nthe same,a\nthe same,b\n")
    assert len(read(path, DataConfig(), FORM).examples) == 3


def test_a_folder_of_tables_named_as_splits_has_these_splits(tmp_path: Path) -> None:
    table(tmp_path, "train.csv", "text,label\none good,a\nanother one,b\n")
    table(tmp_path, "test.tsv", "text\tlabel\na third one\ta\n")
    written(tmp_path / "validation.jsonl", ROWS)
    dataset = read(tmp_path, DataConfig(), FORM)
    assert dataset.layout == "folder of tables"
    assert dataset.splits["train"] == ("train.csv:2", "train.csv:3")
    assert dataset.splits["test"] == ("test.tsv:2",)
    assert len(dataset.splits["val"]) == 3


def test_two_tables_of_one_split_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "train.csv", ROWS)
    written(tmp_path / "training.jsonl", ROWS)
    with pytest.raises(DataError, match=r"train\.csv and training\.jsonl are both 'train'"):
        read(tmp_path, DataConfig(), FORM)


def test_a_split_whose_table_lacks_a_column_is_named(tmp_path: Path) -> None:
    table(tmp_path, "train.csv", "text,label\none good,a\nanother one,b\n")
    table(tmp_path, "test.csv", "words,label\na third one,a\n")
    with pytest.raises(DataError, match=r"test\.csv: no column 'text' \(data\.input\)"):
        read(tmp_path, DataConfig(), FORM)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Two data sets, each of two tables, in one folder."""
    for name in ("reviews", "spam.v2"):
        for split in ("train", "test"):
            table(tmp_path, f"{name}.{split}.csv", f"text,label\n{name} of {split},a\nsome more,b\n")
    return tmp_path


def test_a_data_set_is_what_its_tables_names_begin_with(several: Path) -> None:
    for name in ("reviews", "spam.v2"):
        dataset = read(several / name, DataConfig(), FORM)
        assert set(dataset.splits) == {"train", "test"}
        assert f"{name} of test" in inputs(dataset)
        assert len(dataset.examples) == 4


def test_of_several_data_sets_in_a_folder_one_must_be_named(several: Path) -> None:
    with pytest.raises(DataError, match=r"of 2 data sets: 'reviews', 'spam\.v2'") as refused:
        read(several, DataConfig(), FORM)
    assert str(several / "reviews") in refused.value.remedy
    for path in several.glob("spam.*"):
        path.unlink()
    assert len(read(several, DataConfig(), FORM).examples) == 4


def test_a_name_that_no_table_begins_with_is_refused(several: Path) -> None:
    for name in ("nothing", "reviews.", "review", "spam"):
        with pytest.raises(DataError, match=f"{name}: there is no such file or folder"):
            read(several / name, DataConfig(), FORM)


@pytest.mark.parametrize("splits", [(), ("train", "test")])
def test_class_folders_of_text_files_are_read(tmp_path: Path, splits: tuple[str, ...]) -> None:
    for split in splits or ("",):
        for label in ("good", "bad"):
            table(tmp_path, f"{split}/{label}/1.txt".lstrip("/"), f"a {label} text")
            table(tmp_path, f"{split}/{label}/picture.jpg".lstrip("/"), b"\xff\xd8")
    dataset = read(tmp_path, DataConfig(), FORM)
    assert dataset.layout == "class folders"
    assert {example.target for example in dataset.examples} == {"good", "bad"}
    assert all(isinstance(example.input, Path) for example in dataset.examples)
    assert set(dataset.splits) == set(splits)
    assert any("'*.jpg' of another kind" in reason for reason in dataset.skipped)


def test_a_folder_without_texts_says_how_to_lay_them_out(tmp_path: Path) -> None:
    table(tmp_path, "notes.md", "# nothing")
    with pytest.raises(DataError, match="no texts in this folder") as refused:
        read(tmp_path, DataConfig(), FORM)
    assert "DATA/good/1.txt" in refused.value.remedy


# Which column is which


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("text,label", ("a good film,1", "a bad one,0"), ("text", "label")),
        ("label,text", ("1,a good film", "0,a bad one"), ("text", "label")),
        ("sentence,sentiment", ("a good film,pos", "a bad one,neg"), ("sentence", "sentiment")),
        ("utterance,intent", ("wake me up,alarm", "play a song,music"), ("utterance", "intent")),
        ("id,tweet,label", ("17,so good today,joy", "18,so bad today,anger"), ("tweet", "label")),
        ("id,user,tweet,class", ("a7,someone,so good,x", "b8,another,so bad,y"), ("tweet", "class")),
        ("Review,Sentiment", ("a good film,pos", "a bad one,neg"), ("Review", "Sentiment")),
        ("title,text,topic", ("A win,they won the cup,sport", "A loss,shares fell,money"), ("text", "topic")),
        ("v1,v2", ("ham,see you at home", "spam,a free prize for you"), ("v2", "v1")),
        ("label,title,words", ("1,Fine,see you at home", "0,Bad,a free prize for you"), ("title", "label")),
        ("premise,hypothesis,label", ("he ran,he won,1", "he ran,he sat,0"), ("premise,hypothesis", "label")),
        ("label,sentence2,sentence1", ("1,b b,a a", "0,d d,c c"), ("sentence1,sentence2", "label")),
        ("question,passage,label", ("who ran,he ran,1", "who sat,she sat,0"), ("question,passage", "label")),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)  # fmt: skip
def test_columns_are_guessed(
    tmp_path: Path, header: str, rows: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert columns(tmp_path, header, *rows) == {"input": expected[0], "label": expected[1]}


def test_a_pair_is_a_tuple_in_the_order_of_its_meaning(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "hypothesis,premise,label\nhe moves,he runs,yes\nhe sits,he runs,no\n")
    assert inputs(read(path, DataConfig(), FORM)) == [("he runs", "he moves"), ("he runs", "he sits")]


def test_stated_columns_are_taken_one_or_two(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "text,a,b,label\nno,one x,two x,1\nno,three x,four x,2\n")
    pair = read(path, DataConfig(input="a,b"), FORM)
    assert inputs(pair) == [("one x", "two x"), ("three x", "four x")]
    assert pair.columns["input"] == "a,b"
    assert inputs(read(path, DataConfig(input="b, a"), FORM))[0] == ("two x", "one x")
    assert inputs(read(path, DataConfig(input="b"), FORM)) == ["two x", "four x"]


def test_a_column_whose_name_holds_a_comma_is_one(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", '"what, exactly",label\none good,1\nanother bad,2\n')
    assert inputs(read(path, DataConfig(input="what, exactly"), FORM)) == ["one good", "another bad"]


def test_a_stated_column_that_is_not_there_guesses_the_nearest(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "premise,hypothesis,label\na a,b b,1\nc c,d d,2\n")
    with pytest.raises(DataError, match=r"no column 'hypotesis' \(data\.input\)\. Did you mean 'hypothesis'"):
        read(path, DataConfig(input="premise,hypotesis"), FORM)


def test_numbers_that_are_stated_as_texts_are_written_out(tmp_path: Path) -> None:
    path = table(tmp_path, "t.jsonl", '{"text": 12, "label": "a"}\n{"text": 1.5, "label": "b"}\n')
    assert inputs(read(path, DataConfig(input="text"), FORM)) == ["12", "1.5"]


def test_a_table_without_texts_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "height,width,label\n1,2,a\n3,4,b\n")
    with pytest.raises(DataError, match="no column holds texts; there are: height, width, label") as refused:
        read(path, DataConfig(), FORM)
    assert "data.input=NAME" in refused.value.remedy


def test_a_missing_header_is_noticed(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "this was a very good film,good\nthat was a rather bad one,bad\n")
    with pytest.raises(DataError, match="the header is missing") as refused:
        read(path, DataConfig(), FORM)
    assert "this was a very good film" in refused.value.cause
    assert "text,label" in refused.value.remedy


def test_groups_and_several_labels_are_read_as_for_images(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "text,tags,author\na good film,x|y,ann\na bad one,y,bob\nso so,x,ann\n")
    dataset = read(path, DataConfig(group="author", separator="|"), FORM)
    assert [example.target for example in dataset.examples] == [("x", "y"), ("y",), ("x",)]
    assert [example.group for example in dataset.examples] == ["ann", "bob", "ann"]


# What is at fault


def test_empty_texts_are_passed_over_with_their_row_up_to_the_share_allowed(tmp_path: Path) -> None:
    rows = [f"text number {number},{'ab'[number % 2]}" for number in range(40)]
    rows[4], rows[9] = ",a", "   ,b"
    path = table(tmp_path, "t.csv", "\n".join(["text,label", *rows]))
    dataset = read(path, DataConfig(max_unreadable=0.05), FORM)
    assert len(dataset.examples) == 38
    assert dataset.skipped == ("t.csv, line 6: the text is empty.", "t.csv, line 11: the text is empty.")
    with pytest.raises(DataError, match=r"t\.csv, line 6: the text is empty") as refused:
        read(path, DataConfig(max_unreadable=0.04), FORM)
    assert "t.csv, line 11: the text is empty" in refused.value.cause
    assert "data.max_unreadable" in refused.value.remedy


def test_half_a_pair_is_none(tmp_path: Path) -> None:
    rows = [f"text {number},more {number},{'ab'[number % 2]}" for number in range(20)]
    rows[0] = "alone,,a"
    path = table(tmp_path, "t.csv", "\n".join(["premise,hypothesis,label", *rows]))
    dataset = read(path, DataConfig(), FORM)
    assert dataset.skipped == ("t.csv, line 2: the text is empty.",)
    assert len(dataset.examples) == 19


def test_a_text_that_is_missing_or_null_is_empty(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"text number {n}", "label": "ab"[n % 2]}) for n in range(40)]
    lines[0], lines[1] = '{"text": null, "label": "a"}', '{"label": "b"}'
    dataset = read(table(tmp_path, "t.jsonl", "\n".join(lines)), DataConfig(), FORM)
    assert dataset.skipped == ("t.jsonl, line 1: the text is empty.", "t.jsonl, line 2: the text is empty.")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'text,label\nfine,a\n"never closed,b\nmore of it,a\n', r"line 3: a quote is opened and never"),
        (b'text,label\na good film,a\n"closed" early,b\n', r"line 3: a quote is closed in the middle"),
        (b'text,label\nfine,a\n"takes,b\nthis line",a\nfine,b\n', r"line 3: a quote opened here closes on"),
        (b"text,label\na good film,a\nwith\0nul,b\n", r"line 3: a NUL character"),
        ("text,label\na good film,a\nein Bär,b\n".encode("latin-1"), r"line 3: byte 0xe4 is not UTF-8"),
        (b"text,label\nfine,a\none, two, three,b\n", r"line 3: expected 2 columns \(text, label\), found 4"),
        (b"text,label\n", "no row"),
        (b"", "the file is empty"),
    ],
    ids=["unbalanced", "closed early", "swallowed", "nul", "latin-1", "ragged", "no row", "empty"],
)  # fmt: skip
def test_a_broken_table_names_its_line(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as refused:
        read(table(tmp_path, "t.csv", content), DataConfig(), FORM)
    assert "t.csv" in refused.value.cause
    assert refused.value.remedy


def test_a_text_file_is_one_example_and_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this is one example, not a data set"):
        read(table(tmp_path, "a.txt", "a text"), DataConfig(), FORM)
