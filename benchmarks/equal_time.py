"""``python -m benchmarks.equal_time DATA...``: accuracy on test data, when everybody has the same time.

headstart has it for all that it does, from the call to the report; the others for what their recipe does,
but for the test. From each set so many examples a class are drawn, as by `benchmarks.crossover`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import rivals
from benchmarks.draws import draws, parser
from benchmarks.fits import save_weights, text_encoder
from benchmarks.grid import Cell, Record, records_of, run
from benchmarks.harness import ROOT, called

RESULTS = ROOT / "benchmarks" / "results"
OURS = "headstart"
BY_KIND = {"images": ("fastai", "tutorial"), "texts": ("Trainer",)}


def main() -> None:
    """Fit whatever is missing, and write the table."""
    given = parser(__doc__, sizes=[20], seeds=[0])
    given.add_argument("--seconds", type=float, default=60)
    options = given.parse_args()
    file = RESULTS / "equal-time.jsonl"
    for cell in draws(options):
        own = replace(cell, time_limit=options.seconds)
        run([own], file)
        names = BY_KIND["texts" if Path(own.data, "train.csv").exists() else "images"]
        run([replace(own, technique=name) for name in names], file, _rival)
    text = table(records_of(file))
    (RESULTS / "equal-time.md").write_text(text + "\n")
    print(text)


def table(records: Sequence[Record]) -> str:
    """Mean test accuracy in percent over the seeds, a row a set, size and time."""
    scores: defaultdict[tuple[Any, ...], defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in records:
        row = scores[one["set"], one["size"], one["time_limit"]]
        row[one["technique"] or OURS].append(100 * one["test"])
        if one["probe"] is not None:
            row["its probe"].append(100 * one["probe"])
    ways = [OURS, "its probe", *(name for names in BY_KIND.values() for name in names)]
    rows = []
    for (name, size, seconds), found in sorted(scores.items()):
        cells = " | ".join(f"{mean(found[way]):.1f}" if found[way] else "" for way in ways)
        rows.append(f"| {name} | {size or 'all'} | {seconds:.0f} s | {len(found[OURS])} | {cells} |")
    head = f"| set | a class | time | seeds | {' | '.join(ways)} |\n|---|--:|--:|--:|{'--:|' * len(ways)}"
    return "\n".join([head, *rows])


def _rival(cell: Cell) -> Mapping[str, Any]:
    """What a recipe reaches, whose name stands for the technique."""
    recipe = str(cell.technique)
    with TemporaryDirectory() as folder:
        weights = text_encoder() if recipe == "Trainer" else save_weights(Path(folder) / "weights.pt")
        command = [rivals.environment(), "-m", "benchmarks.contestants.timed", recipe, cell.data, weights]
        said = called([*map(str, command), str(cell.time_limit), str(cell.seed)])
    found = json.loads(said.splitlines()[-1])
    return {"test": found["accuracy"], "probe": None, "seconds": round(found["seconds"], 1)}


if __name__ == "__main__":
    main()
