import pytest

from headstart.config.schema import DataConfig
from headstart.contracts import Words
from headstart.data.forms.form import Lack
from headstart.data.forms.tagged_words import TaggedWords
from headstart.data.read import read
from headstart.data.tables import read_inputs
from headstart.errors import DataError

FORM = TaggedWords(frozenset({".txt"}))
ROWS = [
    {"tokens": ["Anna", "lives", "in", "Oslo", "."], "tags": ["B-person", "O", "O", "B-place", "O"]},
    {"tokens": ["It", "rains"], "tags": ["O", "O"]},
]
CONLL = """\
-DOCSTART- -X- O

# sentence 1
Anna NNP B-person
lives VBZ O
in IN O
Oslo NNP B-place
. . O


It PRP O
rains VBZ O
"""


def pairs(dataset):
    by_place = sorted(dataset.examples, key=lambda example: int(example.id.rpartition(":")[2]))
    return [(example.input, example.target) for example in by_place]


EXPECTED = [(Words.joined(row["tokens"]), tuple(row["tags"])) for row in ROWS]


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.parquet"])
def test_rows_of_lists_are_words_and_as_many_tags(save, name):
    dataset = read(save(name, ROWS), DataConfig(), FORM)
    assert pairs(dataset) == EXPECTED
    assert dataset.columns == {"input": "tokens", "label": "tags"}
    assert dataset.labelled


@pytest.mark.parametrize("name", ["t.conll", "t.iob", "t.BIO", "t.txt", "t.tsv"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("sign", [" ", "\t", "  "])
def test_conll_files_give_the_same(save, name, end, sign):
    content = CONLL.replace(" ", sign).replace(f"#{sign}sentence{sign}1", "# sentence 1").replace("\n", end)
    dataset = read(save(name, content), DataConfig(), FORM)
    assert pairs(dataset) == EXPECTED


def test_a_sentence_of_a_conll_file_is_called_by_the_line_of_its_first_word(save):
    examples = read(save("train.conll", CONLL), DataConfig(), FORM).examples
    assert [example.id for example in examples] == ["train.conll:11", "train.conll:4"]
    assert examples[1].origin == "train.conll, line 4"


def test_a_sign_that_begins_comments_is_a_word_where_its_line_has_a_tag(save):
    content = "# text = a # b\nthis\tO\n#\tO\n#tag\tB-x\n\n#nothing\nit\tO\n"
    dataset = read(save("t.conll", content), DataConfig(), FORM)
    assert [words.words for words, _ in pairs(dataset)] == [("this", "#", "#tag"), ("it",)]
    spaced = read(save("s.conll", "# id 7\nthis O\n# O\nis B-x\n"), DataConfig(), FORM)
    assert [words.words for words, _ in pairs(spaced)] == [("this", "#", "is")]


def test_conll_files_named_by_split_have_these_splits(save):
    for split in ("train", "dev", "test"):
        path = save(f"news.{split}.conll", CONLL)
    assert {name: len(ids) for name, ids in read(path.parent, DataConfig(), FORM).splits.items()} == {
        "train": 2,
        "val": 2,
        "test": 2,
    }
    assert len(read(path.parent / "news", DataConfig(), FORM).examples) == 6


def test_a_folder_of_conll_files_of_any_names_is_one_set(save):
    save("a.conll", CONLL)
    path = save("more/b.iob", CONLL)
    dataset = read(path.parents[1], DataConfig(), FORM)
    assert {example.id for example in dataset.examples} == {
        "a.conll:4",
        "a.conll:11",
        "more/b.iob:4",
        "more/b.iob:11",
    }


def test_whole_numbers_as_tags_become_texts(save):
    dataset = read(save("t.parquet", [{"words": ["a", "b"], "ner_tags": [0, 3]}]), DataConfig(), FORM)
    assert pairs(dataset) == [(Words.joined(["a", "b"]), ("0", "3"))]


def test_of_several_columns_of_tags_those_of_entities_are_taken_or_the_one_that_is_stated(save):
    row = {"id": 1, "words": ["a"], "pos_tags": ["DT"], "ner_tags": ["O"]}
    path = save("t.jsonl", [row])
    assert read(path, DataConfig(), FORM).examples[0].target == ("O",)
    assert read(path, DataConfig(label="pos_tags"), FORM).examples[0].target == ("DT",)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "2 words, but 1 tags"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, "word 2 is empty"),
        ({"tokens": ["a", " "], "tags": ["O", "O"]}, "word 2 is empty"),
        ({"tokens": ["a", 7], "tags": ["O", "O"]}, "word 2 must be a text, not int"),
        ({"tokens": "a b", "tags": ["O", "O"]}, "the words must be a list of texts, not str"),
        ({"tokens": ["a"], "tags": [None]}, "tag 1 must be a text or a whole number, not NoneType"),
        ({"tokens": ["a"], "tags": [True]}, "tag 1 must be a text or a whole number, not bool"),
        ({"tokens": ["a"], "tags": [0.5]}, "tag 1 must be a text or a whole number, not float"),
        ({"tokens": ["a"], "tags": [""]}, "tag 1 is empty"),
        ({"tokens": ["a"], "tags": ["\ud800"]}, "is not valid Unicode"),
        ({"tokens": ["a"], "tags": "O"}, "the tags must be a list, not str"),
    ],
)
def test_rows_at_fault_are_named_with_the_remedy(save, row, problem):
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.jsonl", [*ROWS, row]), DataConfig(), FORM)
    assert "t.jsonl, line 3" in refused.value.cause
    assert "list of words" in refused.value.remedy


def test_all_rows_at_fault_are_listed(save):
    rows = [*ROWS, {"tokens": ["a"], "tags": []}, {"tokens": ["b"], "tags": ["O", "O"]}]
    with pytest.raises(DataError, match="2 problems") as refused:
        read(save("t.jsonl", rows), DataConfig(), FORM)
    assert "line 3: 1 words, but 0 tags" in refused.value.cause
    assert "line 4: 1 words, but 2 tags" in refused.value.cause


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (CONLL + "\nalone\n", r"line 14: there is one column only, 'alone'"),
        ("a\tO\n\tO\n", "line 2: the word is empty"),
        ("a\tO\nb\t\n", "line 2: the tag is empty"),
        ("\n# nothing\n\n", "there is no sentence"),
        ("ein\tO\nBär\tO\n".encode("latin-1"), "line 2: byte 0xe4 is not UTF-8"),
        ("a\tO\nb\0\tO\n", "line 2: a NUL character"),
    ],
)
def test_a_broken_conll_file_names_its_line(save, content, problem):
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.conll", content), DataConfig(), FORM)
    assert "t.conll" in refused.value.cause
    assert refused.value.remedy


def test_rows_without_words_or_tags_are_passed_over_with_their_row(save):
    rows = [*ROWS * 20, {"tokens": [], "tags": []}, {"tokens": ["a"], "tags": None}]
    dataset = read(save("t.jsonl", rows), DataConfig(), FORM)
    assert len(dataset.examples) == 40
    assert dataset.skipped == (
        "t.jsonl, line 41: there are no words.",
        "t.jsonl, line 42: no tag in column 'tags'.",
    )


def test_a_table_without_lists_says_what_is_missing(save):
    with pytest.raises(DataError, match="no column holds lists of words; there are: text, label"):
        read(save("t.csv", "text,label\nsome words,a\n"), DataConfig(), FORM)
    with pytest.raises(DataError, match="which column holds the tags"):
        read(save("t.jsonl", [{"tokens": ["a"], "other": "b"}]), DataConfig(), FORM)
    with pytest.raises(DataError, match="no sentences in this folder") as refused:
        read(save("folder/notes.md", "nothing").parent, DataConfig(), FORM)
    assert "train.conll" in refused.value.remedy


def test_words_alone_are_read_from_lists_or_found_in_texts(save):
    listed = read_inputs(save("t.jsonl", ROWS), FORM, ["tokens"])
    assert [value for _, value in listed] == [words for words, _ in EXPECTED]
    assert [value for _, value in read_inputs(save("t.conll", CONLL), FORM, ["tokens"])] == [
        words for words, _ in EXPECTED
    ]
    texts = read_inputs(save("t.tsv", "text\tsource\nAnna lives, there\tnews\n \tnews\n"), FORM, ["tokens"])
    assert texts[0] == ("t.tsv:2", Words.within("Anna lives, there"))
    assert isinstance(texts[1][1], Lack)


def test_real_sentences_keep_every_word(real_texts):
    dataset = read(real_texts / "wnut17_ner", DataConfig(), FORM)
    assert {name: len(ids) for name, ids in dataset.splits.items()} == {
        "train": 3394,
        "val": 1009,
        "test": 1287,
    }
    assert all(len(example.input.words) == len(example.target) for example in dataset.examples)
