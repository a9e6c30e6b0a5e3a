"""``python -m benchmarks.equal_time DATA...``: accuracy on test data, when everybody has the same time.

headstart has it for all that it does, from the call to the report; the others for their imports and their
training. From each set so many examples a class are drawn, as by `benchmarks.crossover`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import rivals
from benchmarks.crossover import drawn
from benchmarks.fits import save_weights, text_encoder
from benchmarks.grid import Cell, Record, records_of, run
from benchmarks.harness import ROOT, called

RESULTS = ROOT / "benchmarks" / "results"
OURS = "headstart"
BY_KIND = {"images": ("fastai", "tutorial"), "texts": ("Trainer",)}


def main() -> None:
    """Fit whatever is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of class folders, or tables of texts")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sizes", nargs="+", type=int, default=[20], help="examples a class; 0 is all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    file = RESULTS / "equal-time.jsonl"
    for seed in options.seeds:
        for size in options.sizes:
            for path in options.data:
                with drawn(path, size, seed) as data:
                    own = Cell(path.stem, str(data), size=size, time_limit=options.seconds, seed=seed)
                    run([own], file)
                    for name in BY_KIND["texts" if (data / "train.csv").exists() else "images"]:
                        _rival(name, own, file)
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


def _rival(name: str, own: Cell, file: Path) -> None:
    """Run a recipe, unless its line is there."""
    key = {**own.key, "technique": name}
    if any(key.items() <= one.items() for one in records_of(file)):
        return
    with TemporaryDirectory() as folder:
        weights = text_encoder() if name == "Trainer" else save_weights(Path(folder) / "weights.pt")
        command: list[str | Path] = [
            rivals.environment(),
            "-m",
            "benchmarks.contestants.timed",
            name,
            own.data,
        ]
        said = called([*command, weights, str(own.time_limit), str(own.seed)])
    found = json.loads(said.splitlines()[-1])
    record = {**key, "test": found["accuracy"], "probe": None, "seconds": round(found["seconds"], 1)}
    with file.open("a") as stream:
        print(json.dumps(record), file=stream)
    print(json.dumps(record), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
