"""What was measured, as a file for programs and a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.harness import Comparison, Measured, ratios, seconds_of, spread

HEADER = """\
| Job | Data | A | B | A / B | Goal |
|---|---|---|---|---|---|
"""


def record(measured: Measured, comparisons: Iterable[Comparison], facts: Mapping[str, Any]) -> dict[str, Any]:
    """All of a row.

    Args:
        facts: name, title, photos, device, machine and whatever else is to be known of it.
    """
    names = dict.fromkeys(name for seconds in measured.rounds for name in seconds)
    return {
        **facts,
        "seconds": {name: asdict(spread(seconds_of(measured.rounds, name))) for name in names},
        "accuracy": {name: asdict(spread(values)) for name, values in measured.accuracy.items()},
        "ratios": [
            _ratio(comparison, found)
            for comparison in comparisons
            if (found := ratios(measured.rounds, comparison))
        ],
        "left_out": measured.left_out,
        "rounds": measured.rounds,
    }


def lines(row: Mapping[str, Any]) -> list[str]:
    """The comparisons of a row for the screen."""
    return [
        f"{row['title']}, {row['photos']}: {ratio['of']} / {ratio['to']} = {_span(ratio)}{_goal(ratio)}"
        for ratio in row["ratios"]
    ] + [f"{row['title']}: left out {name}: {why}" for name, why in row["left_out"].items()]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Every comparison of the rows as Markdown, and what they were measured on."""
    text = HEADER
    for row in rows:
        for ratio in row["ratios"]:
            both = " | ".join(_cell(row, ratio[side]) for side in ("of", "to"))
            goal = _goal(ratio).strip(" ()") or "—"
            text += f"| {row['title']} | {row['photos']} | {both} | {_span(ratio)} | {goal} |\n"
    return "\n".join((text, *_notes(rows))) + "\n"


def read(folder: Path, names: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of these names that a folder holds."""
    files = (folder / f"{name}.json" for name in names)
    return [json.loads(file.read_text()) for file in files if file.exists()]


def _ratio(comparison: Comparison, found: Sequence[float]) -> dict[str, Any]:
    middle = spread(found)
    return {**asdict(comparison), **asdict(middle), "met": comparison.met(middle.median)}


def _cell(row: Mapping[str, Any], name: str) -> str:
    accuracy = row["accuracy"].get(name)
    right = f", {_share(accuracy)} right" if accuracy else ""
    return f"{name}: {_span(row['seconds'][name])} s{right}"


def _share(accuracy: Mapping[str, float]) -> str:
    """``"91.2%"``, or ``"91.2% (90.1 to 92.3)"`` where it varies."""
    median, low, high = (100 * accuracy[name] for name in ("median", "low", "high"))
    return f"{median:.1f}%" + (f" ({low:.1f} to {high:.1f})" if low < high else "")


def _span(values: Mapping[str, float]) -> str:
    """``"9.31 (9.02 to 9.85)"``."""
    return f"{_short(values['median'])} ({_short(values['low'])} to {_short(values['high'])})"


def _short(value: float) -> str:
    """Three digits, and never a power of ten."""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _goal(ratio: Mapping[str, Any]) -> str:
    if ratio["met"] is None:
        return ""
    bound = f"≥ {ratio['at_least']:g}" if ratio["at_least"] is not None else f"≤ {ratio['at_most']:g}"
    return f" ({bound}: {'met' if ratio['met'] else 'missed'})"


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """How it was measured, and on what; each sentence once."""
    notes = ["Medians, and in brackets the smallest and the largest; a ratio is that of one round."]
    for row in rows:
        if (row.get("measured") or 0) < (row.get("epochs") or 0):
            notes.append(
                f"- {row['title']}: the loops ran {row['measured']} epochs, which were scaled to "
                f"{row['epochs']}; headstart ran all."
            )
        notes += [f"- {row['title']}: {name} was left out: {why}" for name, why in row["left_out"].items()]
        machine = row["machine"]
        where = f"{machine.get('gpu', machine['processor'])}, {machine['cores']} cores"
        notes.append(
            f"- Measured on {where}, with Python {machine['python']}, {_listed(machine['versions'])}."
        )
        if "rivals" in row:
            notes.append(f"- fastai and Trainer: {_listed(row['rivals'])}.")
    return list(dict.fromkeys(notes))


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
