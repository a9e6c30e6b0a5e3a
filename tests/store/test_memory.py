"""A shelf in memory gives what one on disk gives; chosen rows are rows."""

import numpy as np
import pytest

from headstart.store.memory import MemoryShelf
from headstart.store.rows import SomeRows


@pytest.fixture
def shelf() -> MemoryShelf:
    shelf = MemoryShelf()
    with shelf.writing() as writer:
        for number in range(5):
            writer.add(str(number), {"square": np.full(3, number**2)})
    return shelf


def test_what_was_added_is_no_longer_missing(shelf):
    assert shelf.missing(["0", "7", "4", "8", "7"]) == [1, 3]
    with pytest.raises(KeyError):
        shelf.row("7")


def test_the_first_row_of_a_key_stays(shelf):
    shelf.add("2", {"square": np.zeros(3)})
    assert shelf.row("2")["square"].tolist() == [4, 4, 4]


def test_rows_come_in_the_order_of_their_keys(shelf):
    assert shelf.rows("square", ["3", "1"])[:, 0].tolist() == [9, 1]


def test_chosen_rows_are_rows_by_slice_and_by_place(shelf):
    chosen = SomeRows(shelf.rows("square", list("01234")), np.array([4, 2, 0]))
    assert len(chosen) == 3
    assert chosen[1:][:, 0].tolist() == [4, 0]
    assert chosen[[0, 0]][:, 0].tolist() == [16, 16]
