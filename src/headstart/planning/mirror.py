"""Labels whose meaning a mirror would change."""

from __future__ import annotations

import re
from collections.abc import Iterable

SIDES = frozenset({"left", "right", "clockwise", "counterclockwise", "anticlockwise", "east", "west"})
DIGITS = frozenset({"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"})
# "6", "class_6", "digit-6", "letter b": the sign itself is in the picture.
SIGN = re.compile(r"(?:(?:class|digit|number|letter|char|character|label)[\W_]*)?[0-9a-z]", re.IGNORECASE)


def mirror_sensitive(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels that a horizontal flip would probably change: digits, letters, left and right."""
    return tuple(label for label in labels if _is_sensitive(label))


def _is_sensitive(label: str) -> bool:
    words = set(re.findall(r"[a-z]+", label.lower()))
    numeral = bool(words) and words <= DIGITS
    return bool(SIGN.fullmatch(label)) or bool(words & SIDES) or numeral
