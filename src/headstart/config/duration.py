"""Durations as people write them."""

from __future__ import annotations

import re

_NUMBER = r"(\d+(?:\.\d+)?)"
_PATTERN = re.compile(rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s?)?", re.IGNORECASE)


def seconds(text: str) -> float | None:
    """``"30d"``, ``"1h30m"``, ``"10m"``, ``"90s"`` or ``"90"`` in seconds; None where it is no duration."""
    found = _PATTERN.fullmatch(text.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + rest
