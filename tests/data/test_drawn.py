"""Some examples of many."""

from headstart.contracts import Example
from headstart.data.drawn import drawn


def test_examples_sorted_by_label_are_drawn_from_all_over_and_keep_their_order() -> None:
    examples = [Example(f"{label}/{number:03d}", "", label) for label in "abcd" for number in range(100)]
    found = drawn(examples, 80, seed=0)
    assert len(found) == 80
    assert {example.target for example in found} == set("abcd")
    assert [example.id for example in found] == sorted(example.id for example in found)
    assert found == drawn(examples, 80, seed=0) != drawn(examples, 80, seed=1)
    assert drawn(examples, 400, seed=0) == examples
