"""Versions, and the aliases that point at them."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.records.records import Records
from headstart.records.values import Decision


def add(records: Records, count: int) -> None:
    for number in range(1, count + 1):
        records.add_version(f"/runs/{number}", f"{number:064}", task="text-classification", labels=("a", "b"))


@pytest.fixture
def three(file: Path) -> Records:
    with Records(file) as records:
        add(records, 3)
        yield records


def decided(version: int | None) -> Decision:
    """A decision about a version."""
    return Decision(at=5.0, kind="rollback", version=version, outcome="done", why="it drifts", evidence={})


def back(records: Records) -> int:
    """Roll back; the number of the version that is champion then."""
    former = records.former_champion()
    records.rollback(decided(former.number))
    return former.number


def numbers(records: Records, alias: str = "champion") -> list[int | None]:
    return [number for number, _, _ in records.history(alias)]


def test_versions_count_from_one_and_are_read_back_as_they_were_added(file: Path) -> None:
    with Records(file) as records:
        first = records.add_version("/a", "0f", task="t", labels=["ä", "a,b", ""], note="by hand")
        second = records.add_version("/b", "0f", task="t", labels=[])
        assert (first.number, second.number) == (1, 2)
        assert first.labels == ("ä", "a,b", "")
        assert first.note == "by hand"
    with Records(file) as records:
        assert records.versions() == (first, second)
        assert records.version(2) == second


def test_the_same_model_twice_is_one_version(three: Records) -> None:
    again = three.add_version("/runs/2", f"{2:064}", task="other", labels=["c"], note="again")
    assert again == three.version(2)
    assert len(three.versions()) == 3
    assert three.add_version("/runs/4", f"{4:064}", task="t", labels=[]).number == 4


def test_a_path_that_is_not_utf_8_is_read_back_as_it_was(records: Records) -> None:
    path = os.fsdecode(b"/runs/\xff\xe9")
    added = records.add_version(path, "2" * 64, task="t", labels=["\ud800"])
    assert records.version(added.number).path == path
    assert records.version(added.number).labels == ("\ud800",)


@pytest.mark.parametrize("number", [0, -1, 4, 10**30])
def test_a_version_that_is_not_known_is_refused_and_the_known_ones_are_told(
    three: Records, number: int
) -> None:
    with pytest.raises(RequestError, match=rf"no version {number} here. There are: 1, 2, 3"):
        three.version(number)
    with pytest.raises(RequestError, match=f"no version {number}"):
        three.set_alias("champion", number, why="")
    assert three.history("champion") == ()


def test_an_alias_points_at_one_version_and_remembers_which_and_why(three: Records) -> None:
    assert three.by_alias("champion") is None
    assert three.aliases() == {}
    three.set_alias("champion", 1, why="the first")
    three.set_alias("challenger", 2, why="trained on more")
    three.set_alias("champion", 2, why="better by 3 points")
    assert three.by_alias("champion") == three.version(2)
    # A champion is challenger no more.
    assert three.aliases() == {"champion": 2}
    assert [(number, why) for number, _, why in three.history("champion")] == [
        (1, "the first"),
        (2, "better by 3 points"),
    ]


def test_a_version_succeeds_only_the_champion_that_was_looked_at(three: Records) -> None:
    three.set_alias("champion", 1, why="")
    decision = Decision(at=5.0, kind="retrain", version=2, outcome="promoted", why="better", evidence={})
    three.set_alias("champion", 3, why="chosen by hand meanwhile")
    assert not three.succeed(decision, instead_of=1)
    assert three.aliases() == {"champion": 3}
    assert three.decisions() == []
    assert three.succeed(decision, instead_of=3)
    assert three.aliases() == {"champion": 2}
    assert three.decisions() == [decision]
    with pytest.raises(RequestError, match="no version 9"):
        three.succeed(replace(decision, version=9), instead_of=2)
    with pytest.raises(RequestError, match="about no version"):
        three.succeed(replace(decision, version=None), instead_of=2)


def test_where_there_is_nothing_to_go_back_to_another_version_to_promote_is_named(three: Records) -> None:
    three.set_alias("champion", 1, why="")
    with pytest.raises(RequestError, match=r"such as version 3: .* --promote 3, or POST /models/3/promote\."):
        three.former_champion()
    three.set_alias("champion", 2, why="")
    back(three)
    with pytest.raises(RequestError, match=r"version 1 was the first\. Promote another, such as version 2: "):
        three.former_champion()


def test_where_there_is_no_other_version_to_promote_it_is_said_how_one_is_added(records: Records) -> None:
    records.set_alias("champion", 1, why="")
    with pytest.raises(RequestError, match="No other version is known; add one: headstart versions"):
        records.former_champion()


def test_what_a_roll_back_would_return_to_can_be_looked_at_first(three: Records) -> None:
    with pytest.raises(RequestError, match="No champion to go back to"):
        three.former_champion()
    three.set_alias("champion", 1, why="")
    three.set_alias("champion", 2, why="")
    former = three.former_champion()
    assert former.number == 1
    three.set_alias("champion", 3, why="chosen by hand meanwhile")
    with pytest.raises(RequestError, match="changed meanwhile"):
        three.rollback(decided(former.number))
    assert three.aliases() == {"champion": 3}
    assert three.decisions() == []
    three.rollback(decided(2))
    assert three.aliases() == {"champion": 2}
    assert three.decisions() == [decided(2)]
    with pytest.raises(RequestError, match="about no version"):
        three.rollback(decided(None))


def test_an_alias_that_is_given_again_is_remembered_once(three: Records) -> None:
    three.set_alias("champion", 1, why="")
    three.set_alias("champion", 2, why="")
    three.set_alias("champion", 2, why="again")
    assert numbers(three) == [1, 2]
    assert back(three) == 1


def test_an_alias_can_be_removed(three: Records) -> None:
    three.remove_alias("challenger", why="there is none")
    three.set_alias("challenger", 3, why="")
    three.remove_alias("challenger", why="refused")
    assert three.by_alias("challenger") is None
    assert three.aliases() == {}
    assert numbers(three, "challenger") == [3, None]


@pytest.mark.parametrize("alias", ["champoin", "", "'; DROP TABLE versions", "\ud800"])
def test_an_alias_that_is_none_is_refused(three: Records, alias: str) -> None:
    for ask in (three.by_alias, three.history, lambda name: three.set_alias(name, 1, why="")):
        with pytest.raises(RequestError, match="There are: champion, challenger"):
            ask(alias)
    with pytest.raises(RequestError, match="Did you mean 'champion'"):
        three.by_alias("champoin")


def test_a_roll_back_goes_to_the_champion_before_and_again_further_back(three: Records) -> None:
    for number in (1, 2, 3):
        three.set_alias("champion", number, why="")
    assert back(three) == 2
    assert back(three) == 1
    assert numbers(three) == [1, 2, 3, 2, 1]
    with pytest.raises(RequestError, match="version 1 was the first"):
        back(three)
    assert three.by_alias("champion") == three.version(1)


def test_what_was_rolled_back_from_is_not_before(three: Records) -> None:
    three.set_alias("champion", 1, why="")
    three.set_alias("champion", 2, why="")
    back(three)
    three.set_alias("champion", 3, why="")
    assert back(three) == 1


def test_a_champion_that_was_removed_is_the_one_before(three: Records) -> None:
    with pytest.raises(RequestError, match="there never was one"):
        back(three)
    three.set_alias("champion", 1, why="")
    three.set_alias("champion", 2, why="")
    three.remove_alias("champion", why="")
    assert back(three) == 2
    three.remove_alias("champion", why="")
    three.set_alias("champion", 3, why="")
    assert back(three) == 2
    assert back(three) == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, "back"]), max_size=25))
def test_rolling_back_is_what_a_stack_does(tmp_path_factory: pytest.TempPathFactory, acts: list) -> None:
    with Records(tmp_path_factory.mktemp("stack") / "r.sqlite") as records:
        add(records, 3)
        stack: list[int] = []
        for act in acts:
            if act != "back":
                records.set_alias("champion", act, why="")
                if stack[-1:] != [act]:
                    stack.append(act)
            elif len(stack) > 1:
                stack.pop()
                assert back(records) == stack[-1]
            else:
                with pytest.raises(RequestError, match="No champion to go back to"):
                    back(records)
            assert records.aliases() == ({"champion": stack[-1]} if stack else {})
        assert all(one != other for one, other in pairwise(numbers(records)))
