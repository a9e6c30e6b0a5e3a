"""Durations as people write them."""

from __future__ import annotations

import re

_PATTERN = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.IGNORECASE)


def seconds(text: str) -> float | None:
    """``"1h30m"``, ``"10m"``, ``"90s"`` or ``"90"`` in seconds; None where it is no duration."""
    found = _PATTERN.fullmatch(text.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest
