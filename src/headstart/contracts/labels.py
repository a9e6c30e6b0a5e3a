"""The order in which labels stand, wherever they are listed."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WHOLE = re.compile(r"-?\d{1,18}")


def in_order(labels: Iterable[str]) -> list[str]:
    """Each label once: by size where all are whole numbers, else by letters."""
    names = set(labels)
    whole = all(_WHOLE.fullmatch(name) for name in names)
    return sorted(names, key=lambda name: (int(name) if whole else 0, name))
