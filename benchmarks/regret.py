"""``python -m benchmarks.regret DATA...``: what is lost by the models that `headstart models` puts first.

Every model that is there is ranked on a sample of each data set, and then fitted in full. The regret of a
choice is the test score of the best of them, less that of the one that was chosen; of the two that are
raced, the one that is better on validation data counts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import headstart as hs
from benchmarks.grid import Cell, Record, run
from benchmarks.harness import ROOT

RESULTS = ROOT / "benchmarks" / "results"
Row = Mapping[str, Any]

# Ways to choose, by what a candidate has; the first name is the project's own.
BY: Mapping[str, Callable[[Row], float]] = {
    "prior and probe": lambda one: one["expected"],
    "prior alone": lambda one: one["prior"] or 0.0,
    "probe alone": lambda one: one["probe"]["value"],
    "LogME alone": lambda one: one["log_me"],
    "nearest neighbours alone": lambda one: one["neighbours"] or 0.0,
}
RACED = "prior and probe, the first two raced"


def main() -> None:
    """Rank, fit, and write results and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="folders of class folders, or tables")
    parser.add_argument("--samples", nargs="+", type=int, default=[100, 500])
    parser.add_argument("--time-limit", type=float, help="seconds for each fit")
    options = parser.parse_args()
    rankings = {path.stem: {n: _ranked(path, n) for n in options.samples} for path in options.data}
    cells = [
        Cell(path.stem, str(path), model=one["name"], time_limit=options.time_limit)
        for path in options.data
        for one in rankings[path.stem][options.samples[0]]
    ]
    records = run(cells, RESULTS / "regret.jsonl")
    (RESULTS / "regret-rankings.json").write_text(json.dumps(rankings, indent=1) + "\n")
    table = "\n\n".join(
        f"{n} examples\n\n{_table({name: ranks[n] for name, ranks in rankings.items()}, records)}"
        for n in options.samples
    )
    (RESULTS / "regret.md").write_text(table + "\n")
    print(table)


def _ranked(path: Path, count: int) -> list[Row]:
    return [one.state() for one in hs.rank(path, count=count)]


def _table(rankings: Mapping[str, Sequence[Row]], records: Sequence[Record]) -> str:
    """Regrets in points, a row a way to choose and a column a data set."""
    regrets: dict[str, list[float]] = {name: [] for name in (RACED, *BY, "any of them, on average")}
    for name, ranks in rankings.items():
        fits = {record["model"]: record for record in records if record["set"] == name}
        best = max(fit["test"] for fit in fits.values())
        raced = max(ranks[:2], key=lambda one: fits[one["name"]]["val"])
        regrets[RACED].append(best - fits[raced["name"]]["test"])
        for way, value in BY.items():
            regrets[way].append(best - fits[max(ranks, key=value)["name"]]["test"])
        regrets["any of them, on average"].append(best - mean(fit["test"] for fit in fits.values()))
    head = f"| chosen by | {' | '.join(rankings)} | mean |\n|---|{'--:|' * (len(rankings) + 1)}"
    rows = [
        f"| {way} | {' | '.join(f'{100 * value:.1f}' for value in values)} | {100 * mean(values):.1f} |"
        for way, values in regrets.items()
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
