"""Predictions and what is said of them come back as they were written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from headstart.errors import RequestError
from headstart.records.cells import pack_features, unpack_features
from headstart.records.records import Records
from headstart.records.values import Decision, Feedback, Overview, Predicted, Window

Make = Callable[..., Predicted]


def window(version: int, first: int, **others: Any) -> Window:
    """200 predictions from number `first` on."""
    values = {"at": 1.0, "first": 1.0, "last": 2.5, "n": 200, "alarm": False, "settled": False}
    found = {"version": version, "first_number": first, "last_number": first + 199, "findings": {"p": [0.1]}}
    return Window(**values | found | others)


def ids(rows: list[Predicted]) -> list[str]:
    return [row.id for row in rows]


def test_predictions_are_read_back_as_they_were_written(records: Records, predicted: Make) -> None:
    rows = [
        predicted(0),
        predicted(1, label=None, score=None, scores=(), features=None),
        predicted(2, label="Käfer\0\n", media_type="text/plain; charset=utf-8", at=-1.5),
    ]
    records.add_predictions(rows)
    found = records.predictions()
    assert found == rows
    assert found[0].features is not None and found[0].features.dtype == np.float32
    np.testing.assert_array_equal(found[0].features, rows[0].features)
    assert found[1].features is None


def test_what_a_prediction_keeps_of_a_person_is_not_printed(predicted: Make) -> None:
    assert "secret" not in repr(predicted(0, input=b"secret"))


def test_scores_are_kept_to_the_precision_of_float32(records: Records, predicted: Make) -> None:
    scores = (0.9999999, 1e-9, 1 / 3)
    records.add_predictions([predicted(0, scores=scores)])
    (found,) = records.predictions()
    assert found.scores == pytest.approx(scores, rel=2**-24)


@given(
    arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(-1, 1, width=32)),
    st.sampled_from([1e-38, 1e-9, 1.0, 1e9, 3e38]),
)
def test_features_of_any_scale_lose_at_most_a_2048th_of_the_largest(
    features: np.ndarray, scale: float
) -> None:
    features = features * np.float32(scale)
    packed = pack_features(features)
    assert packed is not None and len(packed) == 4 + 2 * len(features)
    again = unpack_features(packed)
    assert again is not None and again.shape == features.shape
    largest = np.max(np.abs(features), initial=0)
    assert (np.abs(again.astype(float) - features) <= largest.astype(float) / 2048).all()


def test_features_that_are_no_numbers_leave_the_others_as_they_are() -> None:
    features = np.array([np.nan, np.inf, -np.inf, 100_000, -0.5], np.float32)
    again = unpack_features(pack_features(features))
    assert again is not None
    np.testing.assert_array_equal(again[:4], features[:4])


def test_order_is_that_of_writing_whatever_the_clock_says(records: Records, predicted: Make) -> None:
    for number, at in enumerate([100.0, 50.0, 75.0, 0.0]):
        records.add_predictions([predicted(number, at=at)])
    found = records.predictions()
    assert ids(found) == ["p0", "p1", "p2", "p3"]
    assert [row.number for row in found] == [1, 2, 3, 4]
    assert ids(records.predictions(most=2)) == ["p0", "p1"]
    assert ids(records.predictions(after=2)) == ["p2", "p3"]


def test_predictions_are_chosen_by_version_and_number(records: Records, predicted: Make) -> None:
    records.add_version("/runs/two", "2" * 64, task="t", labels=["a"])
    records.add_predictions([predicted(number, version=1 + number % 2) for number in range(10)])
    assert ids(records.predictions(version=2)) == ["p1", "p3", "p5", "p7", "p9"]
    assert ids(records.predictions(version=2, after=4, most=2)) == ["p5", "p7"]
    assert ids(records.predictions(most=100)) == [f"p{number}" for number in range(10)]
    assert records.predictions(most=0) == records.predictions(most=-1) == []
    assert records.predictions(version=3) == records.predictions(after=10) == []


def test_predictions_are_written_all_or_none(records: Records, predicted: Make) -> None:
    records.add_predictions([])
    records.add_predictions([predicted(0)])
    with pytest.raises(RequestError, match="Prediction p0"):
        records.add_predictions([predicted(1, input=b"kept"), predicted(0)])
    with pytest.raises(RequestError, match="no version 2"):
        records.add_predictions([predicted(1), predicted(2, version=2)])
    assert ids(records.predictions()) == ["p0"]
    records.add_predictions([predicted(1)])
    assert records.input_of("p1") is None


def test_an_input_is_kept_once_however_often_it_came(records: Records, predicted: Make, file: Path) -> None:
    content = bytes(range(256)) * 4000
    records.add_predictions([predicted(number, input=content, media_type="image/png") for number in range(5)])
    records.add_predictions([predicted(5, input=content, media_type="image/x-png")])
    assert records.input_of("p0") == records.input_of("p4") == ("image/png", content)
    assert records.input_of("p5") == ("image/x-png", content)
    records.close()
    assert file.stat().st_size < 2 * len(content)


def test_an_input_without_consent_is_not_had_from_another_with_it(records: Records, predicted: Make) -> None:
    with_consent = predicted(0, input=b"the same")
    without = dataclasses.replace(predicted(1), input_hash=with_consent.input_hash)
    records.add_predictions([with_consent, without])
    assert records.input_of("p1") is None
    assert records.input_of("p0") == ("", b"the same")
    assert all(row.input is None for row in records.predictions())


def test_an_empty_input_is_kept_as_well(records: Records, predicted: Make) -> None:
    records.add_predictions([predicted(0, input=b"", media_type="text/plain")])
    assert records.input_of("p0") == ("text/plain", b"")


def test_the_last_feedback_on_a_prediction_counts(records: Records, predicted: Make) -> None:
    records.add_predictions([predicted(number) for number in range(4)])
    assert records.add_feedback("p2", ["bee"], at=10.0)
    assert records.add_feedback("p0", ["ant", "bee"], at=11.0)
    assert records.add_feedback("p2", [], at=9.0)
    assert records.feedback() == [
        (predicted(0), Feedback("p0", ("ant", "bee"), 11.0)),
        (predicted(2), Feedback("p2", (), 9.0)),
    ]


def test_feedback_is_chosen_by_the_version_and_number_of_the_prediction(
    records: Records, predicted: Make
) -> None:
    records.add_version("/runs/two", "2" * 64, task="t", labels=["a"])
    records.add_predictions([predicted(number, version=1 + number % 2) for number in range(6)])
    for number in range(6):
        records.add_feedback(f"p{number}", ["bee"])
    assert [row.id for row, _ in records.feedback(version=2, after=2)] == ["p3", "p5"]
    assert [row.id for row, _ in records.feedback(version=2, after=2, until=5)] == ["p3"]
    assert len(records.feedback()) == 6


@pytest.mark.parametrize("id", ["", "p1", "\ud800", "p0\0", "p0' OR 1", "x" * 10_000])
def test_a_prediction_that_is_not_there_takes_no_feedback(records: Records, predicted: Make, id: str) -> None:
    records.add_predictions([predicted(0)])
    assert not records.add_feedback(id, ["bee"])
    assert records.input_of(id) is None
    assert records.feedback() == []


def test_labels_that_are_no_proper_text_are_kept_nevertheless(records: Records, predicted: Make) -> None:
    labels = ["\ud800", "a\0b", "x" * 100_000, "🐜"]
    records.add_predictions([predicted(0, media_type="\udfff", label="\ud800")])
    assert records.add_feedback("p0", labels)
    ((row, said),) = records.feedback()
    assert said.labels == tuple(labels)
    assert (row.media_type, row.label) == ("\\udfff", "\\ud800")


def test_windows_and_decisions_are_read_back_in_order(records: Records) -> None:
    records.add_version("/runs/two", "2" * 64, task="t", labels=["a"])
    windows = [
        window(version, first, at=5.0 - version, alarm=version == 2)
        for version, first in ((1, 1), (2, 1), (1, 201))
    ]
    decisions = [
        Decision(
            9.0, "promote", 2, "refused", "It is worse.", {"difference": -0.1, "slices": {"dark": None}}
        ),
        Decision(8.0, "watch", None, "nothing to do", "", {}),
    ]
    for one in windows:
        assert records.add_window(one)
    for decision in decisions:
        records.add_decision(decision)
    assert records.windows() == windows
    assert records.windows(version=2) == windows[1:2]
    assert records.windows(last=2) == windows[1:]
    assert records.windows(version=1, last=1) == windows[2:]
    assert records.decisions() == decisions
    with pytest.raises(RequestError, match="no version 3"):
        records.add_window(dataclasses.replace(windows[0], version=3))
    with pytest.raises(RequestError, match="no version 3"):
        records.add_decision(dataclasses.replace(decisions[0], version=3))


def test_a_window_that_shares_predictions_with_another_is_not_written(records: Records) -> None:
    records.add_version("/runs/two", "2" * 64, task="t", labels=["a"])
    assert records.add_window(window(1, 1))
    assert not records.add_window(window(1, 1))
    assert not records.add_window(window(1, 200))
    assert records.looked_at(1) == 200
    assert records.add_window(window(2, 200))
    assert records.add_window(window(1, 201))
    assert [one.first_number for one in records.windows()] == [1, 200, 201]
    assert records.looked_at(3) == 0


def test_a_window_is_settled_once(records: Records) -> None:
    before = window(1, 1)
    records.add_window(before)
    after = dataclasses.replace(before, at=9.0, alarm=True, settled=True, findings={"accuracy": 0.5})
    assert records.settle_window(after)
    assert not records.settle_window(dataclasses.replace(after, alarm=False))
    assert not records.settle_window(window(1, 2))
    assert records.windows() == [after]


def test_an_overview_counts_everything(records: Records, predicted: Make) -> None:
    assert records.overview() == Overview(0, 0, None, None, 0, 0, 0, 0, 0)
    records.add_predictions([predicted(0, at=7.0), predicted(1, input=b"abc"), predicted(2, at=5.0)])
    records.add_feedback("p1", ["bee"])
    records.add_window(window(1, 1, alarm=True))
    records.add_window(window(1, 201))
    records.add_decision(Decision(1.0, "promote", 1, "promoted", "", {}))
    assert records.overview() == Overview(3, 1, 7.0, 5.0, 1, 3, 2, 1, 1)
