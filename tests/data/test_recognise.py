import json
from pathlib import Path
from typing import Any

import pytest

from headstart.data.recognise import recognise

SUFFIXES = frozenset({".jpg", ".png"})
IMAGES, TEXTS = "image-classification", "text-classification"
TAGS, QUESTIONS = "token-classification", "question-answering"
TRANSLATION, GENERATION = "translation", "text-generation"
TASKS = {IMAGES, TEXTS, TAGS, QUESTIONS, TRANSLATION, GENERATION}
PATHS = [{"path": f"photos/{number}.JPG", "label": "ab"[number % 2]} for number in range(4)]
SENTENCES = [{"text": f"a sentence, number {number}", "label": "ab"[number % 2]} for number in range(4)]


def laid(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return folder


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
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


# Tasks on texts that are not labelled as a whole

CONLL = "Anna\tB-person\nlives\tO\n\nin\tO\nOslo\tB-place\n\nit\tO\nrains\tO\n"
CONTEXT = "Oslo lies in Norway, where it rains number {}"
CHAT = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "There."}]
ROWS_OF = {
    "words and tags": ({"tokens": ["a", "b"], "tags": ["O", "B-x"]}, TAGS),
    "words and numbers": ({"id": "7", "words": ["a", "b"], "ner_tags": [0, 1]}, TAGS),
    "a found answer": ({"question": "where is {}?", "context": CONTEXT, "answer": "number {}"}, QUESTIONS),
    "nested answers": (
        {"id": "{}", "title": "x", "context": CONTEXT, "question": "where?", "answers": {"text": ["Oslo"]}},
        QUESTIONS,
    ),
    "messages": ({"messages": CHAT}, GENERATION),
    "conversations": ({"id": 1, "conversations": [{"from": "human", "value": "a"}]}, GENERATION),
    "prompt and response": ({"prompt": "tell me of {}", "response": "it is the number {}"}, GENERATION),
    "instruction and output": ({"instruction": "add one", "input": "{}", "output": "that is {}"}, GENERATION),
    "question and free answer": ({"question": "what is {}?", "answer": "a number above {}"}, GENERATION),
    "texts alone": ({"text": "once upon a time {}"}, GENERATION),
    "two languages": ({"en": "house {}", "de": "Haus {}"}, TRANSLATION),
    "source and target": ({"source": "a house {}", "target": "ein Haus {}"}, TRANSLATION),
    "a summary": ({"text": "a long text of {}", "summary": "a text {}"}, TRANSLATION),
}
LABELLED_ROWS = {
    "a label beside a context": {"question": "is it {}?", "context": CONTEXT, "label": "ab{parity}"},
    "yes or no": {"question": "is it {}?", "passage": CONTEXT, "answer": "no{parity}"},
    "a truth value": {"question": "is it {}?", "passage": CONTEXT, "answer": True},
    "a recurring answer": {"question": "is it {}?", "answer": "it is so {parity}"},
    "a recurring target": {"source": "a house {}", "target": "very good {parity}"},
    "a recurring response": {"prompt": "a house {}", "response": "very good {parity}"},
    "a code that is a label": {"text": "a house {}", "en": "yes{parity}"},
    "a list of tags": {"text": "a house {}", "tags": ["x", "y"]},
    "an input with a label": {"input": "a house {}", "output": "good{parity}"},
}


def filled(cell: object, number: int) -> object:
    if isinstance(cell, str):
        return cell.replace("{}", str(number)).replace("{parity}", str(number % 2))
    return cell


def several(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: filled(cell, number) for name, cell in row.items()} for number in range(12)]


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
@pytest.mark.parametrize(("row", "task"), ROWS_OF.values(), ids=ROWS_OF)
def test_rows_tell_their_task(tmp_path: Path, row: dict[str, Any], task: str, name: str) -> None:
    assert recognise(written(tmp_path / name, several(row)), SUFFIXES, TASKS) == task


@pytest.mark.parametrize("row", LABELLED_ROWS.values(), ids=LABELLED_ROWS)
def test_few_recurring_labels_are_classes_whatever_their_column_is_called(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    assert recognise(written(tmp_path / "t.jsonl", several(row)), SUFFIXES, TASKS) == TEXTS


@pytest.mark.parametrize(("row", "task"), ROWS_OF.values(), ids=ROWS_OF)
def test_no_task_is_named_that_is_not_there(tmp_path: Path, row: dict[str, Any], task: str) -> None:
    path = written(tmp_path / "t.jsonl", several(row))
    assert recognise(path, SUFFIXES, TASKS - {task}) in (IMAGES, TEXTS)


def test_files_of_tagged_words_are_known_by_their_suffix_or_their_lines(tmp_path: Path) -> None:
    for name in ("t.conll", "t.iob", "t.bio", "t.txt", "t.tsv"):
        path = tmp_path / name
        path.write_text(CONLL)
        assert recognise(path, SUFFIXES, TASKS) == TAGS
    path.write_text("text\tlabel\na good film\tO\n\na bad film\tB-x\n")
    assert recognise(path, SUFFIXES, TASKS) == TEXTS
    for split in ("train", "test"):
        (tmp_path / f"news.{split}.conll").write_text(CONLL)
    assert recognise(tmp_path / "news", SUFFIXES, TASKS) == TAGS


def test_nested_questions_are_known_and_other_json_is_not(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text('{"data": [{"title": "a", "paragraphs": [{"context": "b", "qas": []}]}]}')
    assert recognise(path, SUFFIXES, TASKS) == QUESTIONS
    assert recognise(tmp_path, SUFFIXES, TASKS) == QUESTIONS
    path.write_text('{"a": 1}')
    assert recognise(path, SUFFIXES, TASKS) == IMAGES


def test_plain_texts_are_to_be_gone_on_with_unless_their_folders_are_classes(tmp_path: Path) -> None:
    one = laid(tmp_path / "a", "one.txt", "two.txt", "README.md")
    assert recognise(one, SUFFIXES, TASKS) == GENERATION
    assert recognise(one / "one.txt", SUFFIXES, TASKS) == GENERATION
    assert recognise(laid(tmp_path / "b", "train/1.txt", "test/2.txt"), SUFFIXES, TASKS) == GENERATION
    assert recognise(laid(tmp_path / "c", "train.txt", "test.txt"), SUFFIXES, TASKS) == GENERATION
    assert recognise(laid(tmp_path / "d", "good/1.txt", "bad/2.txt"), SUFFIXES, TASKS) == TEXTS
    assert recognise(laid(tmp_path / "e", "train/good/1.txt", "test/bad/2.txt"), SUFFIXES, TASKS) == TEXTS
    assert recognise(laid(tmp_path / "f", "1.jpg", "2.jpg", "notes.txt"), SUFFIXES, TASKS) == IMAGES
    assert recognise(laid(tmp_path / "g", "cat/1.jpg", "README.txt"), SUFFIXES, TASKS) == IMAGES
    assert recognise(one, SUFFIXES, {IMAGES, TEXTS}) == TEXTS


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".conll", ".txt"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_raises_nothing_with_every_task(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    assert recognise(path, SUFFIXES, TASKS) in TASKS


def test_real_data_sets_are_known(real_texts: Path) -> None:
    found = {
        name: recognise(real_texts / name, SUFFIXES, TASKS)
        for name in (
            "wnut17_ner",
            "xquad_en/en",
            "django_translations/en-fr",
            "gsm8k",
            "rotten_tomatoes",
            "sms_spam",
        )
    }
    assert list(found.values()) == [TAGS, QUESTIONS, TRANSLATION, GENERATION, TEXTS, TEXTS]
