import json

import pytest

from headstart.config.schema import DataConfig
from headstart.data.read import read
from headstart.errors import ConfigError, DataError


def table(root, text, name="labels.csv"):
    path = root / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def targets(dataset):
    return [example.target for example in dataset.examples]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_reads_the_same_in_every_dialect(images, form, sign, end, encoding):
    root = images("a.jpg", "b.jpg")
    text = end.join(sign.join(row) for row in [("path", "label"), ("a.jpg", "Bär"), ("b.jpg", '"x, y; z"')])
    dataset = read(table(root, (text + end).encode(encoding)), DataConfig(), form)
    assert [example.id for example in dataset.examples] == ["a.jpg", "b.jpg"]
    assert targets(dataset) == ["Bär", "x, y; z"]
    assert dataset.columns == {"input": "path", "label": "label"}
    assert dataset.examples[1].origin == "labels.csv, line 3"


def test_all_formats_read_the_same(images, form):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    root = images("a.jpg", "b.jpg")
    rows = [{"path": "a.jpg", "label": 0}, {"path": "b.jpg", "label": 1}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), root / "t.parquet")
    paths = [
        table(root, "path,label\na.jpg,0\nb.jpg,1\n"),
        table(root, "path\tlabel\na.jpg\t0.0\nb.jpg\t1.0\n", "t.tsv"),
        table(root, "\n".join(map(json.dumps, rows)), "t.jsonl"),
        root / "t.parquet",
    ]
    read_all = [read(path, DataConfig(), form) for path in paths]
    assert all(targets(dataset) == ["0", "1"] for dataset in read_all)
    assert {dataset.layout for dataset in read_all} == {"table"}


def test_columns_are_guessed_by_files_and_names(images, form):
    root = images("pictures/a.jpg", "pictures/b.jpg")
    path = table(root, "id,note,where,kind class\n1,x,pictures/a.jpg,cat\n2,y,pictures\\b.jpg,dog\n")
    dataset = read(path, DataConfig(), form)
    assert dataset.columns == {"input": "where", "label": "kind class"}
    assert [example.id for example in dataset.examples] == ["pictures/a.jpg", "pictures/b.jpg"]


def test_a_column_named_wholly_is_preferred_to_one_named_in_part(images, form):
    path = table(images("a.jpg"), "path,label source,label\na.jpg,someone,cat\n")
    assert read(path, DataConfig(), form).columns["label"] == "label"


def test_paths_without_suffix_find_their_files(images, form):
    dataset = read(table(images("007.jpg"), "id,label\n007,x\n"), DataConfig(), form)
    assert dataset.examples[0].id == "007.jpg"


def test_stated_columns_override(images, form):
    root = images("a.jpg", "b.jpg")
    path = table(root, "path,label,other,who\na.jpg,1,x,p\nb.jpg,2,y,\n")
    dataset = read(path, DataConfig(label="other", group="who"), form)
    assert targets(dataset) == ["x", "y"]
    assert [example.group for example in dataset.examples] == ["p", None]


def test_a_wrong_column_is_refused_with_the_nearest_and_all_others(images, form):
    path = table(images("a.jpg"), "path,label\na.jpg,1\n")
    with pytest.raises(DataError) as caught:
        read(path, DataConfig(label="lable", group="patient"), form)
    assert "no column 'lable' (data.label). Did you mean 'label'?" in str(caught.value)
    assert "no column 'patient' (data.group)" in str(caught.value)
    assert "There are: path, label." in str(caught.value)


def test_a_split_column_tells_the_splits(images, form):
    path = table(images("a.jpg", "b.jpg"), "path,label,split\na.jpg,x,train\nb.jpg,y,dev\n")
    assert read(path, DataConfig(), form).splits == {"train": ("a.jpg",), "val": ("b.jpg",)}


def test_tables_named_as_splits_are_one_dataset(images, form):
    root = images("a.jpg", "b.jpg", "c.jpg")
    table(root, "path,label\na.jpg,1.0\n", "train.csv")
    table(root, "label,path\n2.0,b.jpg\n", "dev.tsv")
    table(root, '{"path": "c.jpg", "label": 1}', "Test.jsonl")
    dataset = read(root, DataConfig(), form)
    assert dataset.layout == "folder of tables"
    assert dataset.splits == {"train": ("a.jpg",), "val": ("b.jpg",), "test": ("c.jpg",)}
    assert targets(dataset) == ["1", "2", "1"]


def test_two_tables_of_one_split_are_refused(images, form):
    root = images("a.jpg")
    table(root, "path,label\na.jpg,1\n", "val.csv")
    table(root, "path,label\na.jpg,1\n", "dev.csv")
    with pytest.raises(DataError, match=r"dev.csv and val.csv are both 'val'"):
        read(root, DataConfig(), form)


def test_a_file_in_two_rows_is_two_examples_with_their_own_ids(images, form):
    dataset = read(table(images("a.jpg"), "path,label\na.jpg,x\na.jpg,y\n"), DataConfig(), form)
    assert [example.id for example in dataset.examples] == ["a.jpg", "labels.csv:3"]


@pytest.mark.parametrize(
    "written",
    ["../other/s.jpg", "x/../../other/s.jpg", "/etc/passwd", "C:\\s.jpg", "\\\\host\\s.jpg", "out.jpg"],
)
def test_paths_that_leave_the_folder_are_refused_with_their_line(images, form, written):
    root = images("data/a.jpg", "other/s.jpg") / "data"
    (root / "out.jpg").symlink_to(root.parent / "other/s.jpg")
    with pytest.raises(DataError, match=r"labels.csv, line 3: the path .* (absolute|leads out)"):
        read(table(root, f"path,label\na.jpg,x\n{written},y\n"), DataConfig(), form)


def test_missing_files_are_passed_over_up_to_the_share_allowed(images, form):
    path = table(images("a.jpg", "b.jpg"), "path,label\na.jpg,x\nb.jpg,y\ngone.jpg,y\n")
    with pytest.raises(DataError, match=r"labels.csv, line 4: there is no file 'gone.jpg'"):
        read(path, DataConfig(), form)
    dataset = read(path, DataConfig(max_unreadable=0.4), form)
    assert dataset.skipped == ("labels.csv, line 4: there is no file 'gone.jpg'.",)


@pytest.mark.parametrize("written", ["x" * 5000, "a\u0000b.jpg", "\ud800.jpg", {"bytes": 1}, None, 3.5])
def test_cells_that_can_be_no_path_are_missing_files(images, form, written):
    rows = [{"path": "a.jpg", "label": "x"}, {"path": written, "label": "y"}]
    path = table(images("a.jpg"), "\n".join(map(json.dumps, rows)), "t.jsonl")
    dataset = read(path, DataConfig(max_unreadable=0.5), form)
    assert len(dataset.examples) == 1
    json.dumps(dataset.skipped, ensure_ascii=False).encode()


def test_rows_without_label_are_passed_over_unless_all_are(images, form):
    root = images("a.jpg", "b.jpg")
    dataset = read(table(root, "path,label\na.jpg,x\nb.jpg, \n"), DataConfig(), form)
    assert dataset.skipped == ("labels.csv, line 3: no label in column 'label'.",)
    with pytest.raises(DataError, match="column 'label' is empty in every row"):
        read(table(root, "path,label\na.jpg,\nb.jpg,\n"), DataConfig(), form)


def test_an_empty_separator_is_refused(images, form):
    with pytest.raises(ConfigError, match=r"data.separator"):
        read(images("cat/a.jpg"), DataConfig(separator=""), form)


def test_a_missing_header_is_told_from_wrong_columns(images, form):
    with pytest.raises(DataError, match="the header is missing"):
        read(table(images("a.jpg", "b.jpg"), "a.jpg,x\nb.jpg,y\n"), DataConfig(), form)


def test_a_table_without_paths_or_labels_says_what_it_has(images, form):
    root = images("a.jpg")
    with pytest.raises(DataError, match=r"no column holds paths of files: none of text, mood"):
        read(table(root, "text,mood\nhello,good\n"), DataConfig(), form)
    with pytest.raises(DataError, match=r"which column holds the labels\? There are: path, p, q"):
        read(table(root, "path,p,q\na.jpg,1,2\n"), DataConfig(), form)


def test_a_split_column_that_names_no_split_in_some_rows_is_refused(images, form):
    path = table(images("a.jpg", "b.jpg"), "path,label,split\na.jpg,x,train\nb.jpg,y,vall\n")
    with pytest.raises(DataError, match=r"column 'split' names train.* not in 1 rows, such as 'vall'"):
        read(path, DataConfig(), form)


def test_a_column_of_other_parts_is_no_split(images, form):
    path = table(images("a.jpg", "b.jpg"), "path,label,partition\na.jpg,x,north\nb.jpg,y,south\n")
    assert not read(path, DataConfig(label="label"), form).splits
