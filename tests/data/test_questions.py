import json

import pytest

from headstart.config.schema import DataConfig
from headstart.contracts import Answer
from headstart.data.forms.form import Lack
from headstart.data.forms.questions import Questions
from headstart.data.read import read
from headstart.data.split import split
from headstart.data.tables import read_inputs
from headstart.errors import DataError

FORM = Questions(frozenset({".txt"}))
CONTEXT = "Oslo is in Norway. Bergen is in Norway, too."
ROW = {"question": "Where is Oslo?", "context": CONTEXT, "answer": "Norway", "answer_start": 11}


def answers(save, *rows, name="t.jsonl", config=None):
    """The targets of some rows, in their order."""
    rows = [{"question": "Where?", "context": CONTEXT, **row} for row in rows]
    dataset = read(save(name, rows), config or DataConfig(), FORM)
    return [example.target for example in sorted(dataset.examples, key=lambda example: int(example.id[8:]))]


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.parquet"])
def test_flat_rows_are_questions_on_contexts_with_answers(save, name):
    dataset = read(save(name, [ROW]), DataConfig(), FORM)
    (example,) = dataset.examples
    assert example.input == ("Where is Oslo?", CONTEXT)
    assert example.target == (Answer("Norway", 11),)
    assert dataset.columns == {"input": "question,context", "label": "answer,answer_start"}
    assert not dataset.labelled


def squad(**more):
    asked = {"id": "7", "question": "Where is Oslo?", "answers": [{"text": "Norway", "answer_start": 11}]}
    none = {
        "question": "Where is Rome?",
        "is_impossible": True,
        "answers": [],
        "plausible_answers": [{"text": "Norway", "answer_start": 11}],
    }
    return {"data": [{"title": "Cities", "paragraphs": [{"context": CONTEXT, "qas": [asked | more, none]}]}]}


def test_nested_files_are_read_question_by_question(save):
    dataset = read(save("t.json", json.dumps(squad())), DataConfig(), FORM)
    one, other = dataset.examples
    assert (one.id, one.origin) == ("t.json:1", "t.json, question 1")
    assert one.input == ("Where is Oslo?", CONTEXT)
    assert one.target == (Answer("Norway", 11),)
    assert other.target == ()


def test_nested_files_are_read_by_split(save):
    for name in ("train", "dev"):
        path = save(f"{name}.json", json.dumps(squad()))
    dataset = read(path.parent, DataConfig(group="title"), FORM)
    assert set(dataset.splits) == {"train", "val"}
    assert {example.group for example in dataset.examples} == {"Cities"}


def test_every_way_of_writing_answers_says_the_same(save):
    ways = [
        {"answers": {"text": ["Norway"], "answer_start": [32]}},
        {"answers": [{"text": "Norway", "answer_start": 32}]},
        {"answers": {"text": "Norway", "answer_start": 32}},
        {"answer": "Norway", "answer_start": 32},
        {"answer": "Norway", "answer_start": "32"},
        {"answer": " Norway ", "answer_start": 31},
        {"answers": ["Norway", "Norway"], "answer_start": [32, 32]},
    ]
    for way in ways:
        assert answers(save, way) == [(Answer("Norway", 32),)]


def test_several_golds_are_kept_each_once(save):
    cell = {"text": ["Norway", "in Norway", "Norway"], "answer_start": [11, 8, 11]}
    assert answers(save, {"answers": cell}) == [(Answer("Norway", 11), Answer("in Norway", 8))]


@pytest.mark.parametrize("cell", [{"text": [], "answer_start": []}, [], ""])
def test_an_empty_answer_says_that_the_context_has_none(save, cell):
    assert answers(save, {"answers": cell}) == [()]


def test_an_answer_that_is_null_is_unknown_and_passed_over(save):
    path = save("t.jsonl", [ROW, ROW | {"answer": None}])
    dataset = read(path, DataConfig(), FORM)
    assert dataset.skipped == ("t.jsonl, line 2: no answer in column 'answer,answer_start'.",)


def test_an_answer_without_a_start_is_the_first_one_in_the_context(save):
    assert answers(save, {"answer": "Norway"}) == [(Answer("Norway", 11),)]
    assert answers(save, {"gold": "Bergen"}, config=DataConfig(label="gold")) == [(Answer("Bergen", 19),)]


@pytest.mark.parametrize(("start", "place"), [(10, 11), (20, 11), (30, 32), (99, 32), (-5, 11)])
def test_an_answer_beside_its_start_is_the_nearest_one(save, start, place):
    assert answers(save, {"answer": "Norway", "answer_start": start}) == [(Answer("Norway", place),)]


def test_answers_stand_where_they_say_in_whatever_script(save):
    context = "氷は冷たい。😀 火は熱い。"
    row = {"question": "何?", "context": context, "answer": "火", "answer_start": 0}
    (example,) = read(save("t.jsonl", [row]), DataConfig(), FORM).examples
    (found,) = example.target
    assert context[found.start : found.start + len(found.text)] == "火"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"answer": "Sweden"}, "the answer 'Sweden' is not in the context"),
        ({"answer": "norway"}, "the answer 'norway' is not in the context"),
        ({"answer": "Norway", "answer_start": "here"}, "must be a whole number, not 'here'"),
        ({"answer": "Norway", "answer_start": 1.5}, "must be a whole number, not '1.5'"),
        ({"answers": {"text": ["Norway"], "answer_start": [1, 2]}}, "1 answers, but 2 starts"),
        ({"answers": {"texts": ["Norway"]}}, "the answer has no 'text'"),
        ({"answers": ["Norway", ""]}, "an answer is empty"),
        ({"answers": [["Norway"]]}, "an answer must be a text, not list"),
        ({"answer": True}, "an answer must be a text, not bool"),
        ({"question": ["Where?"], "answer": "Norway"}, "the question must be a text, not list"),
        ({"context": {"a": 1}, "answer": "Norway"}, "the context must be a text, not dict"),
    ],
)
def test_rows_at_fault_are_named(save, row, problem):
    with pytest.raises(DataError, match=problem) as refused:
        answers(save, {"answer": "Norway", "answers": "Norway"}, row, config=_config(row))
    assert "t.jsonl, line 2" in refused.value.cause
    assert refused.value.remedy


def _config(row):
    label = next(name for name in ("answers", "answer") if name in row)
    return DataConfig(
        input="question,context", label=f"{label},answer_start" if "answer_start" in row else label
    )


def test_all_answers_that_are_not_in_their_contexts_are_listed(save):
    with pytest.raises(DataError, match="2 problems") as refused:
        answers(save, {"answer": "Rome"}, {"answer": "Oslo"}, {"answer": "Paris"})
    assert "line 1: the answer 'Rome'" in refused.value.cause
    assert "line 3: the answer 'Paris'" in refused.value.cause


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"data": [', "line 1: not JSON"),
        ("[1, 2]", "the file: there is no list 'data'"),
        ('{"data": [7]}', r"data\[0\]: must be an object, not int"),
        ('{"data": [{"title": "a"}]}', r"data\[0\]: there is no list 'paragraphs'"),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', r"paragraphs\[0\]: there is no text 'context'"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [{}]}]}]}', r"qas\[0\]: there is no text"),
        ('{"data": []}', "there is no question"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
    ids=range(8),
)  # fmt: skip
def test_a_nested_file_at_fault_names_the_place(save, content, problem):
    with pytest.raises(DataError, match=problem) as refused:
        read(save("t.json", content), DataConfig(), FORM)
    assert refused.value.remedy


def test_a_table_without_contexts_says_which_column_is_missing(save):
    path = save("t.csv", "question,answer\nwhere is it,there\n")
    with pytest.raises(DataError, match="no column is named like contexts") as refused:
        read(path, DataConfig(), FORM)
    assert "data.input=QUESTION,CONTEXT" in refused.value.remedy
    path = save("t.csv", f'question,context\nwhere is it,"{CONTEXT}"\n')
    with pytest.raises(DataError, match="which column holds the answers"):
        read(path, DataConfig(), FORM)


def test_questions_on_one_context_share_a_group_and_so_a_side_of_the_split(save):
    rows = [
        {"question": f"question {number}?", "context": f"Context {number // 5}, and more.", "answer": "more"}
        for number in range(100)
    ]
    dataset = read(save("t.jsonl", rows), DataConfig(), FORM)
    groups = {example.id: example.group for example in dataset.examples}
    assert len(set(groups.values())) == 20
    parts = split(dataset, groups, DataConfig(), seed=0)
    sides = [{groups[id] for id in part} for part in (parts.train, parts.val, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 20


def test_a_stated_group_is_taken(save):
    rows = [ROW | {"title": "a"}, ROW | {"title": "b"}]
    dataset = read(save("t.jsonl", rows), DataConfig(group="title"), FORM)
    assert [example.group for example in dataset.examples] == ["a", "b"]


def test_questions_alone_need_no_answers(save):
    rows = [{"question": "Where?", "context": CONTEXT}, {"question": "", "context": CONTEXT}]
    (name, value), (_, lack) = read_inputs(save("t.csv", rows), FORM)
    assert (name, value) == ("t.csv:2", ("Where?", CONTEXT))
    assert lack == Lack("the question is empty.")


def test_real_answers_stand_where_they_say(real_texts):
    dataset = read(real_texts / "xquad_en" / "en", DataConfig(), FORM)
    assert len(dataset.examples) == 1190
    for example in dataset.examples:
        for gold in example.target:
            assert example.input[1][gold.start : gold.start + len(gold.text)] == gold.text
    sides = {
        name: {example.group for example in dataset.examples if example.id in set(ids)}
        for name, ids in dataset.splits.items()
    }
    assert not sides["train"] & sides["test"]
