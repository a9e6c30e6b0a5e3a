"""What goes when there is no more room, and that the file stops growing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.records.records import Records
from headstart.records.values import Bounds, Decision, Predicted, Window

Make = Callable[..., Predicted]


def bounded(file: Path, **bounds: int) -> Records:
    records = Records(file, Bounds(**bounds))
    records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"])
    return records


def numbers(records: Records) -> list[int]:
    return [int(row.id[1:]) for row in records.predictions()]


def with_input(records: Records, count: int) -> list[int]:
    return [number for number in range(count) if records.input_of(f"p{number}") is not None]


@pytest.mark.parametrize("bounds", [{"predictions": 0}, {"input_bytes": -1}, {"windows": 0}])
def test_a_bound_that_keeps_nothing_is_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(RequestError, match="must be at least"):
        Bounds(**bounds)


def test_the_oldest_predictions_go_first(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=10) as records:
        for first in range(0, 28, 4):
            records.add_predictions([predicted(number, at=-number) for number in range(first, first + 4)])
        assert numbers(records) == list(range(18, 28))
        records.add_predictions([predicted(number) for number in range(100, 150)])
        assert numbers(records) == list(range(140, 150))


def test_predictions_with_feedback_go_last(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=10) as records:
        records.add_predictions([predicted(number) for number in range(10)])
        for number in (1, 3, 8):
            records.add_feedback(f"p{number}", ["bee"])
        records.add_predictions([predicted(number) for number in range(10, 15)])
        assert numbers(records) == [1, 3, *range(7, 15)]
        records.add_predictions([predicted(number) for number in range(15, 40)])
        assert numbers(records) == [1, 3, 8, *range(33, 40)]
        assert [said.prediction for _, said in records.feedback()] == ["p1", "p3", "p8"]


def test_new_predictions_find_room_where_every_old_one_has_feedback(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=20) as records:
        for number in range(60):
            records.add_predictions([predicted(number)])
            assert records.add_feedback(f"p{number}", ["bee"])
        assert numbers(records) == list(range(40, 60))
        records.add_predictions([predicted(number) for number in range(60, 80)])
        assert numbers(records) == [*range(42, 60), 78, 79]
        assert len(records.feedback()) == 18


def test_a_bound_of_one_keeps_the_newest(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=1) as records:
        for number in range(5):
            records.add_predictions([predicted(number)])
            assert numbers(records) == [number]
            records.add_feedback(f"p{number}", ["bee"])


def test_a_smaller_bound_holds_from_the_next_prediction_on(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=100) as records:
        records.add_predictions([predicted(number) for number in range(100)])
    with Records(file, Bounds(predictions=5)) as records:
        records.add_predictions([predicted(100)])
        assert numbers(records) == [96, 97, 98, 99, 100]


def test_an_input_goes_with_the_last_prediction_that_kept_it(file: Path, predicted: Make) -> None:
    with bounded(file, predictions=3) as records:
        for number, content in enumerate([b"shared", b"alone", b"shared", b"c"]):
            records.add_predictions([predicted(number, input=content)])
        assert with_input(records, 4) == [1, 2, 3]
        records.add_predictions([predicted(4), predicted(5)])
        assert with_input(records, 6) == [3]
        assert tables(file)["hashes"] == 1


def test_inputs_stay_within_their_bytes_and_their_predictions_stay(file: Path, predicted: Make) -> None:
    with bounded(file, input_bytes=1000) as records:
        for number in range(20):
            records.add_predictions([predicted(number, input=bytes([number]) * 300)])
            assert tables(file)["bytes"] <= 1000
        assert with_input(records, 20) == [17, 18, 19]
        assert len(numbers(records)) == 20


def test_an_input_that_came_again_is_as_young_as_its_last_prediction(file: Path, predicted: Make) -> None:
    with bounded(file, input_bytes=1000) as records:
        for number, content in enumerate([b"a" * 300, b"b" * 300, b"a" * 300, b"c" * 300, b"d" * 300]):
            records.add_predictions([predicted(number, input=content)])
        assert with_input(records, 5) == [0, 2, 3, 4]


def test_inputs_with_feedback_go_last_and_leave_room(file: Path, predicted: Make) -> None:
    with bounded(file, input_bytes=1000) as records:
        for number in range(4):
            records.add_predictions([predicted(number, input=bytes([number]) * 100)])
            records.add_feedback(f"p{number}", ["bee"])
        for number in range(4, 30):
            records.add_predictions([predicted(number, input=bytes([number]) * 100)])
        assert with_input(records, 30) == [0, 1, 2, 3, *range(24, 30)]
        for number in range(30, 60):
            records.add_predictions([predicted(number, input=bytes([number]) * 100)])
            assert records.input_of(f"p{number}") is not None
            records.add_feedback(f"p{number}", ["bee"])
        assert with_input(records, 60) == list(range(50, 60))


def test_an_input_above_the_bound_is_not_kept_and_costs_no_other(file: Path, predicted: Make) -> None:
    with bounded(file, input_bytes=1000) as records:
        records.add_predictions([predicted(0, input=b"a" * 900)])
        records.add_predictions([predicted(1, input=b"b" * 1001)])
        assert with_input(records, 2) == [0]
    with Records(file, Bounds(input_bytes=0)) as records:
        records.add_predictions([predicted(2, input=b"c")])
        assert with_input(records, 3) == []
        assert len(numbers(records)) == 3


def test_windows_and_decisions_are_bounded_too(file: Path) -> None:
    with bounded(file, windows=4) as records:
        for number in range(10):
            records.add_window(Window(1, -number, 0, 0, number + 1, number + 1, number, False, False, {}))
            records.add_decision(Decision(-number, "watch", None, "", str(number), {}))
        assert [window.n for window in records.windows()] == [6, 7, 8, 9]
        assert [decision.why for decision in records.decisions()] == ["6", "7", "8", "9"]


def test_the_file_does_not_grow_once_it_is_full(file: Path, predicted: Make) -> None:
    generator = np.random.default_rng(0)

    def serve(first: int) -> int:
        for number in range(first, first + 600, 20):
            rows = [
                predicted(other, input=generator.bytes(2000), features=generator.normal(size=200))
                for other in range(number, number + 20)
            ]
            records.add_predictions(rows)
            records.add_feedback(f"p{number}", ["bee"])
        return sum(path.stat().st_size for path in file.parent.iterdir())

    with bounded(file, predictions=200, input_bytes=300_000) as records:
        sizes = [serve(first) for first in range(0, 3600, 600)]
    assert max(sizes[2:]) < 1.05 * sizes[1]


def test_what_is_no_longer_needed_is_given_back_to_the_disk(file: Path, predicted: Make) -> None:
    with bounded(file) as records:
        for first in range(0, 5000, 500):
            rows = [
                predicted(number, input=number.to_bytes(4) * 1000) for number in range(first, first + 500)
            ]
            records.add_predictions(rows)
    full = file.stat().st_size
    for number in range(10):
        with Records(file, Bounds(predictions=10)) as records:
            records.add_predictions([predicted(5000 + number)])
    assert file.stat().st_size < full / 2


acts = st.one_of(
    st.tuples(st.just("predict"), st.integers(0, 6), st.integers(1, 4)),
    st.tuples(st.just("say"), st.integers(0, 30), st.just(0)),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(acts, max_size=30))
def test_what_is_counted_is_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, predicted: Make, acts: list[tuple[str, int, int]]
) -> None:
    file = tmp_path_factory.mktemp("totals") / "r.sqlite"
    newest = 0
    with bounded(file, predictions=9, input_bytes=40) as records:
        for act, which, count in acts:
            if act == "say":
                records.add_feedback(f"p{max(0, newest - which)}", ["bee"])
                continue
            kept = bytes([which]) * (3 * which) if which else None
            records.add_predictions([predicted(newest + place, input=kept) for place in range(count)])
            newest += count
            assert numbers(records)[-1:] == [newest - 1]
            found = tables(file)
            assert found["predictions"] <= 9
            assert found["bytes"] <= 40
    assert_counted(file)


def tables(file: Path) -> dict[str, int]:
    with sqlite3.connect(file) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM predictions), (SELECT count(*) FROM inputs),"
            " (SELECT coalesce(sum(length(bytes)), 0) FROM contents)"
        ).fetchone()
    connection.close()
    return dict(zip(("predictions", "hashes", "bytes"), counts, strict=True))


def assert_counted(file: Path) -> None:
    connection = sqlite3.connect(file)
    counted = connection.execute("SELECT * FROM totals").fetchone()
    there = connection.execute(
        "SELECT (SELECT count(*) FROM predictions), (SELECT count(*) FROM feedback),"
        " (SELECT coalesce(sum(length(bytes)), 0) FROM contents),"
        " (SELECT coalesce(sum(size), 0) FROM inputs WHERE labelled)"
    ).fetchone()
    orphans = connection.execute(
        "SELECT count(*) FROM inputs WHERE number NOT IN (SELECT input FROM predictions WHERE input NOT NULL)"
    ).fetchone()
    connection.close()
    assert counted == there
    assert orphans == (0,)
