"""What pages are rendered with: the same rules, and the report's styles, for every page of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

REPORT = "headstart.evaluation.report"


def environment(filters: Mapping[str, Callable[..., Any]], package: str = REPORT) -> Environment:
    """Templates of a package, and behind them those of the report; everything in them is escaped.

    Args:
        filters: by name.
        package: that has ``templates``.
    """
    found = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, REPORT))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= filters
    return found
