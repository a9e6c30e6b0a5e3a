"""Examples drawn from data sets: a fixed test split, and so many of each class to learn from."""

from __future__ import annotations

import argparse
import csv
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import headstart as hs
from benchmarks.grid import Cell
from headstart.contracts import Example


def parser(about: str | None, *, sizes: Sequence[int], seeds: Sequence[int]) -> argparse.ArgumentParser:
    """Asks for what `draws` takes.

    Args:
        about: the study.
        sizes, seeds: where none are named.
    """
    found = argparse.ArgumentParser(description=about)
    found.add_argument("data", nargs="*", type=Path, help="folders of class folders, or tables of texts")
    found.add_argument("--sizes", nargs="+", type=int, default=sizes, help="examples a class; 0 is all")
    found.add_argument("--seeds", nargs="+", type=int, default=seeds)
    return found


def draws(options: argparse.Namespace) -> Iterator[Cell]:
    """A cell for every draw, seed by seed; what was drawn is there until the next."""
    for seed in options.seeds:
        for size in options.sizes:
            for path in options.data:
                with _drawn(path, size, seed) as data:
                    yield Cell(path.stem, str(data), size=size, seed=seed)


@contextmanager
def _drawn(path: Path, size: int, seed: int) -> Iterator[Path]:
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
