"""Tables of texts, split once for everybody: train.csv, val.csv and test.csv with columns text and label."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.data import SHARES

HEADER = ("text", "label")
WORDS = 30  # of half of the generated texts, at most; lengths are log-normal
SPREAD, LONGEST = 0.9, 400
TOPICS = {
    "garden": "soil seed rose leaf spade root bloom hedge tulip compost lawn water ivy bulb prune",
    "kitchen": "oven salt bread knife onion sauce boil flour butter recipe spoon garlic soup bake pan",
    "harbour": "ship rope tide crane dock sail cargo anchor net wave captain pier fog mast gull",
}
COMMON = (
    "the a of and to in was it for on that with as his her they at from had by but not this were she he "
    "one all there when so out up into time then more no some could them other than now only its over "
    "also back after use two how our work first well way even new want because any these give day most"
)
ON_TOPIC, ASTRAY = 0.1, 0.5  # share of words from any topic, and of these from another than the label's


def generate(folder: Path, count: int) -> Path:
    """Write a table of `count` texts of very different length, the same ones every time, and divide it.

    A few words among common ones tell the topic, not too clearly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_text(list(TOPICS)[number % len(TOPICS)], random.Random(number)) for number in range(count)]
    return _write(rows, folder)


def divide(table: Path, folder: Path, most: int | None = None) -> Path:
    """The rows of a CSV table with columns text and label, divided at random: the same way every time.

    Args:
        table: of the texts.
        folder: of the three tables.
        most: rows, drawn at random, in all; None takes all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with table.open(newline="", encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    return _write(rows[:most], folder)


def read(folder: Path, part: str) -> list[tuple[str, str]]:
    """Texts and labels of a part."""
    with (folder / f"{part}.csv").open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def count(folder: Path) -> dict[str, int]:
    """Texts in each part."""
    return {part: len(read(folder, part)) for part in SHARES}


def _write(rows: Sequence[tuple[str, str]], folder: Path) -> Path:
    begin, share = 0, 0.0
    for part, more in SHARES.items():
        share += more
        end = round(len(rows) * share)
        with (folder / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(islice(rows, begin, end))
        begin = end
    return folder


def _text(label: str, generator: random.Random) -> tuple[str, str]:
    length = min(LONGEST, max(4, round(generator.lognormvariate(0, SPREAD) * WORDS)))
    words = []
    for _ in range(length):
        if generator.random() < ON_TOPIC:
            topic = generator.choice(list(TOPICS)) if generator.random() < ASTRAY else label
            words.append(generator.choice(TOPICS[topic].split()))
        else:
            words.append(generator.choice(COMMON.split()))
    return " ".join(words), label
