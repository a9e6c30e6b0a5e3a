import pytest

from headstart.config.schema import DataConfig
from headstart.data.targets import targets
from headstart.errors import DataError


def read(cells, **config):
    return targets(cells, [f"t.csv, line {row}" for row in range(2, len(cells) + 2)], DataConfig(**config))


@pytest.mark.parametrize("cells", [["0", "1"], [0, 1], [0.0, 1.0], ["0.0", "1.0"], [" 0", "1 "]])
def test_whole_numbers_are_the_same_labels_in_any_form(cells):
    assert read(cells) == ["0", "1"]


def test_numbers_stay_as_they_are_where_one_label_is_no_whole_number():
    assert read(["1.0", "1.5"]) == ["1.0", "1.5"]
    assert read(["01", "1"]) == ["01", "1"]


@pytest.mark.parametrize("empty", [None, "", "  ", float("nan")])
def test_an_empty_cell_has_no_label(empty):
    assert read(["x", empty]) == ["x", None]


def test_joined_labels_are_found_where_their_parts_recur():
    assert read(["sea|sky", "sky", "sea", "sky|tree"]) == [
        ("sea", "sky"),
        ("sky",),
        ("sea",),
        ("sky", "tree"),
    ]


def test_a_separator_within_the_names_of_single_labels_is_none():
    assert read(["n1|cat", "n2|dog", "n1|cat"]) == ["n1|cat", "n2|dog", "n1|cat"]


def test_what_is_stated_is_not_guessed():
    assert read(["a|b", "a"], multi_label=False) == ["a|b", "a"]
    assert read(["a", "b;a"], multi_label=True, separator=";") == [("a",), ("a", "b")]


def test_lists_are_several_labels_and_an_empty_one_is_none_of_them():
    assert read([["b", "a", "b"], [], None, [1]]) == [("a", "b"), (), None, ("1",)]


def test_cells_that_are_no_labels_are_all_named():
    with pytest.raises(DataError, match=r"(?s)line 3: .* not dict.*line 4: the label is not valid Unicode"):
        read(["x", {"a": 1}, "\ud800"])
    with pytest.raises(DataError, match=r"line 2: a list of labels, but data.multi_label is false"):
        read([["a"]], multi_label=False)
