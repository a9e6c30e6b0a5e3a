import json
import os
import tarfile
import zipfile

import pytest

from headstart.config.schema import DataConfig
from headstart.data.read import read
from headstart.errors import DataError


def labels(dataset):
    return {example.id: example.target for example in dataset.examples}


def test_the_folder_is_the_label_however_deep_the_file(images, form):
    root = images("cat/1.jpg", "cat/by night/2.PNG", "dog/1.jpg")
    dataset = read(root, DataConfig(), form)
    assert labels(dataset) == {"cat/1.jpg": "cat", "cat/by night/2.PNG": "cat", "dog/1.jpg": "dog"}
    assert dataset.layout == "class folders"
    assert not dataset.splits
    assert all(example.input.is_file() for example in dataset.examples)


@pytest.mark.parametrize("val", ["val", "Valid", "VALIDATION", "dev"])
def test_folders_named_as_splits_are_splits_in_any_letter_case(images, form, val):
    root = images("Train/cat/1.jpg", "Train/dog/1.jpg", f"{val}/cat/2.jpg", "test/dog/3.jpg")
    dataset = read(root, DataConfig(), form)
    assert set(labels(dataset).values()) == {"cat", "dog"}
    assert dataset.splits == {
        "train": ("Train/cat/1.jpg", "Train/dog/1.jpg"),
        "val": (f"{val}/cat/2.jpg",),
        "test": ("test/dog/3.jpg",),
    }


def test_a_class_called_train_is_a_class(images, form):
    dataset = read(images("train/1.jpg", "car/1.jpg", "plane/1.jpg"), DataConfig(), form)
    assert set(labels(dataset).values()) == {"train", "car", "plane"}
    assert not dataset.splits


def test_an_unlabelled_test_folder_is_passed_over_and_said(images, form):
    dataset = read(images("train/cat/1.jpg", "train/dog/1.jpg", "test/7.jpg"), DataConfig(), form)
    assert set(dataset.splits) == {"train"}
    assert any("images outside of class folders: 1" in reason for reason in dataset.skipped)


def test_files_that_are_no_inputs_are_counted(images, form):
    root = images("cat/1.jpg", "dog/1.jpg")
    for name in ("dog/a.txt", "dog/b.txt"):
        (root / name).touch()
    dataset = read(root, DataConfig(), form)
    assert len(dataset.examples) == 2
    assert dataset.skipped == ("files '*.txt' of another kind: 2.",)


def test_hidden_inputs_are_counted_and_what_systems_leave_behind_is_not(images, form):
    root = images("data/cat/1.jpg", "data/dog/1.jpg", "data/cat/.hidden.jpg", "other/7.jpg") / "data"
    hidden = ("cat/.thumbnails/1.jpg", "cat/.thumbnails/large/1.JPG", ".ipynb_checkpoints/2.jpg")
    litter = ("cat/Thumbs.db", "cat/.DS_Store", "cat/._1.jpg", "__MACOSX/cat/._1.jpg", ".git/objects/1f")
    for name in (*hidden, *litter):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ".linked").symlink_to(root.parent / "other")
    dataset = read(root, DataConfig(), form)
    assert set(labels(dataset)) == {"cat/1.jpg", "dog/1.jpg"}
    assert dataset.skipped == ("files in hidden folders: 3.", "hidden files: 1.")


def test_links_out_of_the_folder_are_not_followed(images, form):
    root = images("data/cat/1.jpg", "data/dog/1.jpg", "other/secret.jpg", "other/more/2.jpg") / "data"
    (root / "cat/out.jpg").symlink_to(root.parent / "other/secret.jpg")
    (root / "cat/nowhere.jpg").symlink_to(root / "nothing.jpg")
    (root / "cat/within.jpg").symlink_to(root / "dog/1.jpg")
    (root / "more").symlink_to(root.parent / "other/more")
    dataset = read(root, DataConfig(), form)
    assert set(labels(dataset)) == {"cat/1.jpg", "cat/within.jpg", "dog/1.jpg"}
    assert [reason.split(":")[0] for reason in dataset.skipped] == ["cat/nowhere.jpg", "cat/out.jpg", "more"]


def test_names_that_are_no_text_are_passed_over_and_can_be_written(images, form):
    root = images("cat/1.jpg", "dog/1.jpg")
    (root / "cat/1.jpg").rename(root / os.fsdecode(b"cat/caf\xe9.jpg"))
    dataset = read(images("cat/2.jpg"), DataConfig(), form)
    assert set(labels(dataset)) == {"cat/2.jpg", "dog/1.jpg"}
    assert r"caf\udce9.jpg" in dataset.skipped[0]
    json.dumps(dataset.skipped, ensure_ascii=False).encode()


def test_names_that_differ_in_letter_case_only_are_two_files(images, form):
    dataset = read(images("cat/a.jpg", "cat/A.jpg", "dog/a.jpg"), DataConfig(), form)
    assert len(dataset.examples) == 3


def test_the_group_is_found_in_the_path(images, form):
    root = images("cat/p1_a.jpg", "dog/p1_b.jpg", "dog/p2_a.jpg", "dog/other.jpg")
    first_group = read(root, DataConfig(group=r"(p\d)_"), form)
    whole_match = read(root, DataConfig(group=r"p\d"), form)
    assert [example.group for example in first_group.examples] == ["p1", None, "p1", "p2"]
    assert [example.group for example in whole_match.examples] == ["p1", None, "p1", "p2"]


@pytest.mark.parametrize(
    ("expression", "says"), [("p(", "no regular expression"), ("zz", "found in no path")]
)
def test_a_group_expression_at_fault_is_refused(images, form, expression, says):
    with pytest.raises(DataError, match=says):
        read(images("cat/1.jpg", "dog/1.jpg"), DataConfig(group=expression), form)


def test_a_flat_folder_is_refused_with_the_layout_that_is_expected(images, form):
    with pytest.raises(DataError, match=r"2 images, but no class folders.*DATA/cat/1.jpg"):
        read(images("1.jpg", "2.jpg"), DataConfig(), form)


def test_the_folder_above_the_data_is_refused_with_the_right_one(images, form):
    root = images("photos/cat/1.jpg", "photos/dog/1.jpg")
    with pytest.raises(DataError, match=f"Give that folder instead: {root}/photos"):
        read(root, DataConfig(), form)


def test_a_folder_of_a_table_and_images_points_at_the_table(images, form):
    root = images("1.jpg", "2.jpg")
    (root / "metadata.csv").write_text("file,label\n1.jpg,cat\n2.jpg,dog\n")
    with pytest.raises(DataError, match=r"give it: .*metadata.csv"):
        read(root, DataConfig(), form)


def test_what_is_no_data_is_refused_with_its_name(images, form):
    root = images("cat/1.jpg")
    (root / "empty").mkdir()
    (root / "data.zip").touch()
    (root / "notes.txt").touch()
    cases = {
        "emty": "no such file or folder. Did you mean 'empty'",
        "empty": "no images in this folder",
        "data.zip": "Unpack it",
        "notes.txt": r"'.txt' is no kind of table.*\.csv",
        "cat/1.jpg": "this is one example",
        "x" * 5000: "cannot be read: File name too long",
    }
    for name, says in cases.items():
        with pytest.raises(DataError, match=says):
            read(root / name, DataConfig(), form)


def as_zip(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("../../up.jpg", b""), ("/tmp/absolute.jpg", b""), ("a/1.jpg", bytes(10**7))):
            archive.writestr(name, content)


def as_tar(path):
    with tarfile.open(path, "w:gz") as archive:
        for kind, name, link in (
            (tarfile.REGTYPE, "../../up.jpg", ""),
            (tarfile.SYMTYPE, "a/soft", "/etc"),
            (tarfile.LNKTYPE, "a/hard", "../../up.jpg"),
            (tarfile.CHRTYPE, "a/device", ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member)


@pytest.mark.parametrize(
    ("name", "write"),
    [("photos.zip", as_zip), ("photos.ZIP", as_zip), ("photos.tar.gz", as_tar), ("photos.tgz", as_tar)],
)
def test_archives_are_refused_and_nothing_of_them_is_written(tmp_path, form, name, write):
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    write(inner / name)
    with pytest.raises(DataError, match=r"archives are not read\. Unpack it, and give the folder"):
        read(inner / name, DataConfig(), form)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [inner / name]


def test_pipes_are_not_opened_and_empty_folders_are_said(images, form):
    root = images("cat/1.jpg", "dog/1.jpg")
    os.mkfifo(root / "cat/pipe.jpg")
    (root / "cow").mkdir()
    dataset = read(root, DataConfig(), form)
    assert set(labels(dataset)) == {"cat/1.jpg", "dog/1.jpg"}
    assert dataset.skipped == (
        "cat/pipe.jpg: it is no file, but a pipe or a device.",
        "cow: the folder is empty.",
    )


def test_columns_of_class_folders_are_refused(images, form):
    root = images("cat/1.jpg", "dog/1.jpg")
    with pytest.raises(DataError, match="2 problems") as raised:
        read(root, DataConfig(input="path", label="species"), form)
    assert "data.label: 'species' names a column, but class folders have none." in str(raised.value)
