"""``python -m benchmarks.crossover DATA...``: how accurate each technique is, from few examples to all.

Of each data set a test split is set aside once, unless it has one. From the rest, so many examples of each
class are drawn for each seed, and every technique learns from the same ones. What was run before is not run
again.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np

import headstart as hs
from benchmarks.grid import Cell, Record, records_of, run
from benchmarks.harness import ROOT
from headstart.contracts import Example

RESULTS = ROOT / "benchmarks" / "results"
TECHNIQUES = ("linear-probe", "two-phase", "gradual-unfreezing", "full", "auto")
SIZES = (5, 20, 0)
SEEDS = (0, 1, 2)


def main() -> None:
    """Fit whatever is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of class folders, or tables of texts")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="examples a class; 0 is all")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--techniques", nargs="+", default=TECHNIQUES, choices=TECHNIQUES)
    options = parser.parse_args()
    file = RESULTS / "crossover.jsonl"
    for seed in options.seeds:
        for size in options.sizes:
            for path in options.data:
                with drawn(path, size, seed) as data:
                    cells = [
                        Cell(path.stem, str(data), None, name, size, None, seed)
                        for name in options.techniques
                    ]
                    run(cells, file)
    text = table(records_of(file))
    (RESULTS / "crossover.md").write_text(text + "\n")
    print(text)


def table(records: Sequence[Record]) -> str:
    """Mean test scores in percent over the seeds that all techniques have, a row a set and size."""
    scores: defaultdict[tuple[str, int], dict[str, dict[int, float]]] = defaultdict(dict)
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for one in records:
        scores[one["set"], one["size"]].setdefault(one["technique"], {})[one["seed"]] = one["test"]
    rows, means = [], defaultdict(list)
    for (name, size), by_technique in sorted(scores.items()):
        seeds = set.intersection(*(set(by_technique.get(way, {})) for way in TECHNIQUES))
        if not seeds:
            continue
        found = {way: 100 * mean(by_technique[way][seed] for seed in seeds) for way in TECHNIQUES}
        for way, value in found.items():
            means[way].append(value)
        for one in records:
            if (one["set"], one["size"]) == (name, size) and one["seed"] in seeds:
                seconds[one["technique"]].append(one["seconds"])
        best = max(found.values())
        cells = " | ".join(f"{value:.1f}" for value in found.values())
        rows.append(f"| {name} | {size or 'all'} | {len(seeds)} | {cells} | {found['auto'] - best:+.1f} |")
    if not rows:
        return "Nothing is complete yet."
    head = f"| set | a class | seeds | {' | '.join(TECHNIQUES)} | auto less the best |"
    rule = f"|---|--:|--:|{'--:|' * (len(TECHNIQUES) + 1)}"
    foot = [
        f"| mean | | | {' | '.join(f'{mean(means[way]):.1f}' for way in TECHNIQUES)} | |",
        f"| seconds | | | {' | '.join(f'{mean(seconds[way]):.0f}' for way in TECHNIQUES)} | |",
    ]
    return "\n".join([head, rule, *rows, *foot])


@contextmanager
def drawn(path: Path, size: int, seed: int) -> Iterator[Path]:
    """A data set with the fixed test split, and so many examples a class to learn from."""
    dataset = hs.read(path)
    test = set(dataset.splits.get("test") or hs.split(path).test)
    pool: defaultdict[str, list[Example]] = defaultdict(list)
    for example in dataset.examples:
        if example.id not in test:
            pool[example.target].append(example)
    draw = np.random.default_rng(seed)
    train = []
    for label in sorted(pool):
        order = draw.permutation(len(pool[label]))[: size or None]
        train += [pool[label][place] for place in order]
    held = [example for example in dataset.examples if example.id in test]
    with TemporaryDirectory() as folder:
        for name, examples in (("train", train), ("test", held)):
            _write(Path(folder), name, examples)
        yield Path(folder)


def _write(folder: Path, name: str, examples: Sequence[Example]) -> None:
    """Examples of a split: texts as a table, images as copies in class folders."""
    if isinstance(examples[0].input, str):
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["text", "label"])
            writer.writerows([example.input, example.target] for example in examples)
        return
    for number, example in enumerate(examples):
        place = folder / name / example.target
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(example.input, place / f"{number:05d}{example.input.suffix}")


if __name__ == "__main__":
    main()
