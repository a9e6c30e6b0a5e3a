"""Labels that a mirror would change."""

from __future__ import annotations

import pytest

from headstart.planning.mirror import mirror_sensitive


@pytest.mark.parametrize(
    "label",
    ["0", "6", "b", "Q", "class_3", "digit-9", "seven", "left", "turn_left", "Right Hand", "clockwise"],
)
def test_signs_and_sides_are_sensitive(label: str) -> None:
    assert mirror_sensitive([label]) == (label,)


@pytest.mark.parametrize("label", ["ant", "bee", "grade_12", "three toed sloth", "bright", "cleft", "K9", ""])
def test_things_are_not(label: str) -> None:
    assert mirror_sensitive([label]) == ()


def test_the_labels_that_are_sensitive_are_named_in_order() -> None:
    assert mirror_sensitive(["dog", "right", "cat", "left"]) == ("right", "left")
