import json
from pathlib import Path

import pytest

from headstart.data.recognise import recognise

SUFFIXES = frozenset({".jpg", ".png"})
IMAGES, TEXTS = "image-classification", "text-classification"
PATHS = [{"path": f"photos/{number}.JPG", "label": "ab"[number % 2]} for number in range(4)]
SENTENCES = [{"text": f"a sentence, number {number}", "label": "ab"[number % 2]} for number in range(4)]


def laid(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return folder


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    """The rows in the format of the suffix."""
    if path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        sign = "\t" if path.suffix == ".tsv" else ","
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        path.write_text("\n".join(sign.join(f'"{cell}"' for cell in line) for line in lines))
    return path


def test_a_folder_is_of_what_most_of_its_files_are(tmp_path: Path) -> None:
    assert recognise(laid(tmp_path / "a", "cat/1.jpg", "dog/2.PNG", "dog/notes.txt"), SUFFIXES) == IMAGES
    assert recognise(laid(tmp_path / "b", "good/1.txt", "bad/2.TXT", "bad/cover.jpg"), SUFFIXES) == TEXTS
    assert recognise(laid(tmp_path / "c", "train/good/1.txt", "test/bad/2.txt"), SUFFIXES) == TEXTS
    assert recognise(laid(tmp_path / "d", "cat/1.jpg", ".git/1.txt", ".git/2.txt"), SUFFIXES) == IMAGES


def test_a_large_folder_is_known_from_its_beginning(tmp_path: Path) -> None:
    names = [f"{label}/{number}.txt" for label in ("bad", "good") for number in range(300)]
    assert recognise(laid(tmp_path, *names), SUFFIXES) == TEXTS


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.ndjson", "t.parquet"])
def test_a_table_of_paths_is_of_images_and_one_of_sentences_of_texts(tmp_path: Path, name: str) -> None:
    assert recognise(written(tmp_path / name, PATHS), SUFFIXES) == IMAGES
    assert recognise(written(tmp_path / name, SENTENCES), SUFFIXES) == TEXTS


@pytest.mark.parametrize(
    ("header", "row", "task"),
    [
        ("sentence;sentiment", "a good film;pos", TEXTS),
        ("premise,hypothesis,label", "he runs home,he moves,yes", TEXTS),
        ("id,tweet,label", "17,so good today,joy", TEXTS),
        ("id,text,label", "17,so good today,joy", TEXTS),
        ("caption,image,label", "a cat on a mat,7.jpg,cat", IMAGES),
        ("image,label", "00012,cat", IMAGES),  # its files' suffix is left out
        ("file,label", "00012,cat", IMAGES),
        ("path,note,label", "photos/7.png,taken in the dark,cat", IMAGES),
        ("id,label", "00012,cat", IMAGES),
    ],
)
def test_columns_and_cells_tell_the_task(tmp_path: Path, header: str, row: str, task: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{row}\n{row}\n")
    assert recognise(path, SUFFIXES) == task


def test_tables_by_split_are_known_from_one_of_them(tmp_path: Path) -> None:
    for split in ("train", "test"):
        written(tmp_path / f"{split}.csv", SENTENCES)
    assert recognise(tmp_path, SUFFIXES) == TEXTS


def test_tables_that_begin_with_a_name_are_known_by_it(tmp_path: Path) -> None:
    for split in ("train", "test"):
        written(tmp_path / f"spam.{split}.jsonl", SENTENCES)
        written(tmp_path / f"flowers.{split}.csv", PATHS)
    assert recognise(tmp_path / "spam", SUFFIXES) == TEXTS
    assert recognise(tmp_path / "flowers", SUFFIXES) == IMAGES


def test_a_table_longer_than_what_is_looked_at_is_known(tmp_path: Path) -> None:
    rows = [{"text": f"number {number}, " + "word " * 300, "label": "a"} for number in range(200)]
    for name in ("t.csv", "t.jsonl"):
        path = written(tmp_path / name, rows)
        assert path.stat().st_size > 200_000
        assert recognise(path, SUFFIXES) == TEXTS


def test_one_text_longer_than_what_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    rows = [{"text": "word " * 40_000, "label": "a"}, *SENTENCES]
    for name in ("t.csv", "t.jsonl"):
        recognise(written(tmp_path / name, rows), SUFFIXES)
    assert recognise(written(tmp_path / "t.csv", rows), SUFFIXES) == TEXTS


def test_what_cannot_be_told_is_of_images_whose_errors_say_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "gone", laid(tmp_path, "a.zip") / "a.zip"):
        assert recognise(path, SUFFIXES) == IMAGES


BROKEN = {
    "empty": b"",
    "blank": b"\n\n\n",
    "a header alone": b"text,label\n",
    "an open quote": b'text,label\n"never closed,a\nb,c\n',
    "nul": b"text,label\na\0b,c\n",
    "nul in the header": b"te\0xt,label\na b,c\n",
    "latin-1": "text,label\nein Bär im Wald,b\n".encode("latin-1"),
    "utf-16": "text,label\na good film,b\n".encode("utf-16"),
    "noise": bytes(range(256)) * 40,
    "ragged": b"text,label\na,b,c,d\n\ne\n",
    "half a line of json": b'{"text": "a b", "lab',
    "no objects": b'[1, 2]\n"text"\n3\nnull\n',
    "nested": b"[" * 100_000,
    "a long number": b'{"text": ' + b"9" * 5_000 + b"}\n",
    "a huge cell": b"text,label\n" + b"a " * 400_000 + b",b\n",
    "one huge quoted cell": b'text,label\n"' + b"a " * 400_000 + b'",b\n',
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_table_raises_nothing(tmp_path: Path, suffix: str, content: bytes) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    assert recognise(path, SUFFIXES) in (IMAGES, TEXTS)


def test_a_truncated_parquet_file_raises_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", SENTENCES)
    whole = path.read_bytes()
    for length in (4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert recognise(path, SUFFIXES) == IMAGES


def test_texts_in_utf_16_are_known_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("text,label\na good film,b\na bad one,c\n".encode("utf-16"))
    assert recognise(path, SUFFIXES) == TEXTS


def test_links_in_circles_and_folders_named_like_tables_raise_nothing(tmp_path: Path) -> None:
    (tmp_path / "train.csv").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path)
    assert recognise(tmp_path, SUFFIXES) == IMAGES
    assert recognise(tmp_path / "train.csv", SUFFIXES) == IMAGES
