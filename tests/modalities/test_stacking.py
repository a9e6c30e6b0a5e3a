from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.contracts import View
from headstart.modalities.stacking import rung, rung_of, stacked


def ragged(*lengths: int, padding: dict[str, float] | None = None) -> list[View]:
    """Tokens 1, 2, 3, ... and a mask of ones."""
    return [
        View(
            {"tokens": torch.arange(1, length + 1), "mask": torch.ones(length, dtype=torch.int64)},
            padding={"tokens": -7} if padding is None else padding,
        )
        for length in lengths
    ]


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1, 8), (8, 8), (9, 16), (13, 16), (64, 64), (65, 80), (100, 112), (128, 128), (129, 160), (257, 320)],
)
def test_a_length_goes_up_to_its_rung(length: int, expected: int) -> None:
    assert rung(length) == expected


def test_rungs_are_few_and_waste_little() -> None:
    lengths = np.arange(1, 513)
    rungs = np.array([rung(length) for length in lengths])
    assert (rungs >= lengths).all()
    assert (np.diff(rungs) >= 0).all()
    assert [rung(step) for step in rungs] == rungs.tolist()
    assert len(set(rungs)) <= 20
    assert ((rungs - lengths) / rungs)[lengths > 64].max() < 0.25


def test_shorter_views_are_filled_up_behind_with_what_their_padding_says() -> None:
    inputs = stacked(ragged(3, 10))
    assert inputs["tokens"].shape == inputs["mask"].shape == (2, 16)
    assert inputs["tokens"][0].tolist() == [1, 2, 3] + [-7] * 13
    assert inputs["mask"][0].tolist() == [1, 1, 1] + [0] * 13  # what padding does not name is 0
    assert inputs["tokens"][1].tolist() == [*range(1, 11)] + [-7] * 6
    assert inputs["tokens"].dtype == inputs["mask"].dtype == torch.int64


def test_a_view_alone_is_filled_up_to_its_rung_too() -> None:
    assert stacked(ragged(3))["tokens"].shape == (1, 8)
    assert stacked(ragged(8))["tokens"].shape == (1, 8)


def test_what_a_view_becomes_depends_on_the_rung_of_the_longest_alone() -> None:
    expected = stacked(ragged(3, 9))["tokens"][0]
    assert torch.equal(stacked(ragged(3, 16))["tokens"][0], expected)
    assert torch.equal(stacked(ragged(11, 3, 1))["tokens"][1], expected)


def test_sounds_with_channels_are_filled_up_along_time() -> None:
    views = [View({"x": torch.ones(length, 2, dtype=torch.float32)}, padding={"x": 0.5}) for length in (2, 5)]
    inputs = stacked(views)["x"]
    assert inputs.shape == (2, 8, 2)
    assert inputs.dtype == torch.float32
    assert inputs[0, :, 1].tolist() == [1, 1] + [0.5] * 6


def test_views_of_one_shape_are_stacked_as_they_are() -> None:
    views = [View({"x": torch.full((3, 5, 4), value)}) for value in (1.0, 2.0)]
    inputs = stacked(views)["x"]
    assert torch.equal(inputs, torch.stack([view.inputs["x"] for view in views]))
    assert [rung_of(view) for view in views] == [0, 0]
    assert [rung_of(view) for view in ragged(3, 10, 100)] == [8, 16, 112]


def test_tight_views_are_filled_up_to_the_longest_and_no_further() -> None:
    tight = [replace(view, tight=True) for view in ragged(3, 10)]
    assert stacked(tight)["tokens"].tolist() == [[1, 2, 3] + [-7] * 7, list(range(1, 11))]
    assert stacked([tight[0], *ragged(10)])["tokens"].shape == (2, 16)


def test_no_padding_at_all_fills_up_with_nothing_but_noughts() -> None:
    assert stacked(ragged(3, padding={}))["tokens"].tolist() == [[1, 2, 3, 0, 0, 0, 0, 0]]
