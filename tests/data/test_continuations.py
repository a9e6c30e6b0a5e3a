import pytest

from headstart.config.schema import DataConfig
from headstart.contracts import Chat
from headstart.data.forms.continuations import Continuations
from headstart.data.forms.form import Lack
from headstart.data.passages import LONGEST, read_passages
from headstart.data.read import read
from headstart.data.tables import read_inputs
from headstart.errors import DataError

FORM = Continuations(frozenset({".txt"}))
USER, ASSISTANT = (
    {"role": "user", "content": "Where is Oslo?"},
    {"role": "assistant", "content": "In Norway."},
)


def only(path, **stated):
    """Input and target of the one example of a file."""
    (example,) = read(path, DataConfig(**stated), FORM).examples
    return example.input, example.target


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.parquet"])
def test_prompts_and_responses_are_inputs_and_targets(save, name):
    path = save(name, [{"prompt": "Where is Oslo?", "response": "In Norway."}])
    assert only(path) == ("Where is Oslo?", "In Norway.")
    assert read(path, DataConfig(), FORM).columns == {"input": "prompt", "label": "response"}
    assert not read(path, DataConfig(), FORM).labelled


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": "Add.", "input": "1 2", "output": "3"}, ("Add.\n\n1 2", "3")),
        ({"instruction": "Sing.", "input": "", "output": "La la."}, ("Sing.", "La la.")),
        ({"instruction": "Sing.", "context": "Loud", "response": "La."}, ("Sing.\n\nLoud", "La.")),
        ({"question": "How many?", "answer": 3, "id": 7}, ("How many?", "3")),
        ({"prompt": "Once", "completion": " upon a time", "source": "a tale"}, ("Once", " upon a time")),
        ({"prompt": "", "response": "Hello there"}, ("", "Hello there")),
        ({"text": "some words"}, ("", "some words")),
        ({"title": "Words", "text": "some words"}, ("", "some words")),
        ({"question": "some words"}, ("", "some words")),
    ],
)
def test_columns_are_guessed(save, row, expected):
    assert only(save("t.jsonl", [row])) == expected


def test_stated_columns_are_taken(save):
    path = save("t.jsonl", [{"a": "some words", "b": "other words", "text": "more of them"}])
    assert only(path, input="a", label="b") == ("some words", "other words")
    assert only(path, label="b") == ("", "other words")


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet"])
def test_the_last_turn_of_the_assistant_is_to_be_written_after_what_is_before(save, name):
    system = {"role": "system", "content": "Be brief."}
    more = {"role": "user", "content": "Thanks"}
    path = save(name, [{"messages": [system, USER, ASSISTANT, more, {**ASSISTANT, "content": "Bye"}, more]}])
    turns = (
        ("system", "Be brief."),
        ("user", "Where is Oslo?"),
        ("assistant", "In Norway."),
        ("user", "Thanks"),
    )
    assert only(path) == (Chat(turns), "Bye")
    assert read(path, DataConfig(), FORM).columns == {"input": "messages", "label": "messages"}


def test_other_names_of_roles_are_known(save):
    turns = [{"from": "human", "value": "Where is Oslo?"}, {"from": "gpt", "value": "In Norway."}]
    assert only(save("t.jsonl", [{"conversations": turns}])) == (
        Chat((("user", "Where is Oslo?"),)),
        "In Norway.",
    )


def test_neighbouring_messages_of_one_role_are_one_and_an_empty_system_message_is_none(save):
    messages = [{"role": "system", "content": ""}, USER, USER | {"content": "Tell me"}, ASSISTANT, ASSISTANT]
    assert only(save("t.jsonl", [{"messages": messages}])) == (
        Chat((("user", "Where is Oslo?\n\nTell me"),)),
        "In Norway.\n\nIn Norway.",
    )


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([USER], "the conversation has no turn of the assistant"),
        ([], "the conversation has no turn of the assistant"),
        ([USER, {"role": "wizard", "content": "a"}], "message 2: unknown role 'wizard'"),
        ([USER, {"role": 7, "content": "a"}], "message 2: unknown role '7'"),
        ([USER, {"content": "a"}], "message 2: unknown role"),
        ([USER, {"role": "assistant"}], "message 2: the content must be a text, not NoneType"),
        ([USER, {"role": "assistant", "content": ["a"]}], "message 2: the content must be a text, not list"),
        ([USER, {"role": "assistant", "content": " "}], "message 2: the content is empty"),
        ([USER, "In Norway."], "message 2 must be an object with role and content, not str"),
    ],
)
def test_conversations_at_fault_are_named_with_their_row(save, messages, problem):
    good = {"messages": [USER, ASSISTANT]}
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.jsonl", [good, good, {"messages": messages}]), DataConfig(), FORM)
    assert "t.jsonl, line 3" in refused.value.cause
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"prompt": "a b", "response": ""}, "the response is empty"),
        ({"prompt": "a b", "response": None}, "the response is empty"),
        ({"prompt": "a b"}, "the response is empty"),
        ({"prompt": "a b", "response": {"a": 1}}, "must be a text, not dict"),
        ({"prompt": {"a": 1}, "response": "a"}, "the prompt must be a text, not dict"),
    ],
)
def test_rows_at_fault_are_named(save, row, problem):
    good = {"prompt": "Where is Oslo?", "response": "In Norway."}
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.jsonl", [good, good, row, row]), DataConfig(), FORM)
    assert "t.jsonl, line 3" in refused.value.cause
    assert "t.jsonl, line 4" in refused.value.cause


def test_a_conversation_that_the_assistant_begins_and_ends_is_passed_over(save):
    rows = [{"messages": [USER, ASSISTANT]}] * 20 + [{"messages": [ASSISTANT]}]
    dataset = read(save("t.jsonl", rows), DataConfig(), FORM)
    assert dataset.skipped == ("t.jsonl, line 21: nothing is said before the assistant's turn.",)


def test_a_table_with_nothing_to_write_says_what_is_missing(save):
    with pytest.raises(DataError, match="which column holds the texts that are to be written") as refused:
        read(save("t.csv", "a,b\n1,2\n"), DataConfig(), FORM)
    assert "--label NAME" in refused.value.remedy


# Plain texts


def test_a_text_file_is_cut_at_blank_lines_and_named_by_lines(save):
    paragraphs = [f"Paragraph {number}.\n" + "word " * 100 for number in range(30)]
    path = save("tale.txt", "\n\n\n".join(paragraphs) + "\n")
    dataset = read(path, DataConfig(), FORM)
    by_line = sorted(dataset.examples, key=lambda example: int(example.id.removeprefix("tale.txt:")))
    assert [example.id for example in by_line[:2]] == ["tale.txt:1", "tale.txt:13"]
    assert by_line[0].target.startswith("Paragraph 0.\n") and "\n\nParagraph 2.\n" in by_line[0].target
    assert all(example.input == "" and len(example.target) <= LONGEST for example in by_line)
    assert all(len(example.target) > LONGEST / 2 for example in by_line[:-1])
    assert " ".join(" ".join(paragraphs).split()) == " ".join(
        " ".join(example.target for example in by_line).split()
    )


@pytest.mark.parametrize("sign", ["\n", " "])
def test_a_long_paragraph_is_cut_at_lines_then_at_spaces_without_loss(save, sign):
    words = [f"word{number}" for number in range(3_000)]
    table = read_passages(save("t.txt", sign.join(words)))
    texts = table.column("text")
    assert [word for text in texts for word in text.split()] == words
    assert all(LONGEST * 0.9 < len(text) <= LONGEST for text in texts[:-1])
    assert table.numbers[1] == (1 if sign == " " else texts[0].count("\n") + 2)


def test_a_word_that_is_too_long_is_cut(save):
    texts = read_passages(save("t.txt", "x" * (2 * LONGEST + 5))).column("text")
    assert list(map(len, texts)) == [LONGEST, LONGEST, 5]


def test_a_folder_of_texts_is_one_set_and_folders_named_by_split_are_splits(save):
    save("a/one.txt", "some words")
    save("a/notes.md", "no words")
    path = save("a/deeper/two.txt", "more words")
    dataset = read(path.parents[1], DataConfig(), FORM)
    assert [example.id for example in dataset.examples] == ["deeper/two.txt:1", "one.txt:1"]
    assert dataset.skipped == ("files '*.md' of another kind: 1.",)
    save("b/train/one.txt", "some words")
    path = save("b/test/two.txt", "more words")
    assert read(path.parents[1], DataConfig(), FORM).splits == {
        "train": ("train/one.txt:1",),
        "test": ("test/two.txt:1",),
    }


def test_text_files_named_by_split_have_these_splits(save):
    save("train.txt", "some words")
    path = save("valid.txt", "more words")
    assert read(path.parent, DataConfig(), FORM).splits == {
        "train": ("train.txt:1",),
        "val": ("valid.txt:1",),
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("\n \n", "the file is empty"),
        ("fine\nein Bär\n".encode("latin-1"), "line 2: byte 0xe4 is not UTF-8"),
        ("fine\nno\0thing", "line 2: a NUL character"),
    ],
)
def test_a_text_file_at_fault_is_named(save, content, problem):
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.txt", content), DataConfig(), FORM)
    assert "t.txt" in refused.value.cause


def test_a_folder_without_texts_says_how_to_lay_them_out(save):
    with pytest.raises(DataError, match="no texts in this folder") as refused:
        read(save("notes.md", "nothing").parent, DataConfig(), FORM)
    assert "DATA/1.txt" in refused.value.remedy


# Without targets


def test_prompts_alone_are_read_whatever_they_were_called(save):
    def values(path, columns=()):
        return [value for _, value in read_inputs(path, FORM, columns)]

    assert values(save("t.csv", "prompt\nWhere is Oslo?\n")) == ["Where is Oslo?"]
    assert values(save("t.csv", "text,year\nOnce upon a time,1\n ,2\n"), ["prompt"]) == [
        "Once upon a time",
        Lack("the prompt is empty."),
    ]
    rows = [{"messages": [USER]}, {"messages": [USER, ASSISTANT]}, {"messages": [USER, ASSISTANT, USER]}]
    asked = ("user", "Where is Oslo?")
    assert values(save("t.jsonl", rows)) == [
        Chat((asked,)),
        Chat((asked,)),
        Chat((asked, ("assistant", "In Norway."), asked)),
    ]


def test_real_prompts_have_whole_responses(real_texts):
    dataset = read(real_texts / "gsm8k", DataConfig(), FORM)
    assert {name: len(ids) for name, ids in dataset.splits.items()} == {"train": 3000, "test": 1319}
    assert all("####" in example.target for example in dataset.examples)
