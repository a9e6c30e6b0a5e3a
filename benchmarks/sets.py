"""``python -m benchmarks.sets FOLDER``: data sets made of what installed packages bring, the same each time.

Each has the folders or tables train and test, as `benchmarks.crossover` takes them.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits

# A class.
TRAIN, TEST = 40, 40
LETTERS = "ABCDEGHKRS"
PACKAGES = ("numpy", "scipy.stats", "sklearn.metrics", "torch", "PIL.Image", "matplotlib.pyplot")

Item = tuple[str, Image.Image | str]  # label and input


def digits() -> Iterator[Item]:
    """Scanned handwritten digits of 8 by 8 pixels, enlarged, from scikit-learn."""
    found = load_digits()
    for image, label in zip(found.images, found.target, strict=True):
        picture = Image.fromarray((image * 15.9).astype(np.uint8))
        yield str(label), picture.resize((64, 64), Image.Resampling.NEAREST)


def letters() -> Iterator[Item]:
    """Letters in the fonts that matplotlib brings, slanted, shifted, and of several sizes and shades."""
    fonts = sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("*.ttf"))
    fonts = [font for font in fonts if font.name.startswith(("DejaVu", "STIXGeneral", "cm"))]
    fonts = [font for font in fonts if not font.name.startswith(("cmex", "cmsy", "cmmi"))]
    chance = Random(0)
    for letter in LETTERS:
        for number in range(TRAIN + TEST):
            font = ImageFont.truetype(fonts[number % len(fonts)], chance.randint(40, 90))
            paper, ink = chance.randint(120, 255), chance.randint(0, 90)
            image = Image.new("L", (128, 128), paper)
            place = (chance.randint(10, 50), chance.randint(0, 25))
            ImageDraw.Draw(image).text(place, letter, font=font, fill=ink)
            yield letter, image.rotate(chance.uniform(-25, 25), fillcolor=paper)


def docstrings() -> Iterator[Item]:
    """What the first sentences of functions' documentation say, by the package that has the function."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        names = [name for name in dir(module) if not name.startswith("_")]
        texts = [inspect.getdoc(getattr(module, name)) or "" for name in names]
        sentences = [" ".join(text.split("\n\n")[0].split())[:300] for text in texts]
        for sentence in dict.fromkeys(sentences):
            if len(sentence) > 20 and package.split(".")[0].lower() not in sentence.lower():
                yield package, sentence


SETS: dict[str, Callable[[], Iterator[Item]]] = {
    "digits": digits,
    "letters": letters,
    "docstrings": docstrings,
}


def write(name: str, folder: Path) -> Path:
    """Write a set: so many examples a class to learn from, and as many to test on."""
    by_label: dict[str, list[Image.Image | str]] = {}
    for label, item in SETS[name]():
        by_label.setdefault(label, []).append(item)
    chance = Random(0)
    drawn = {label: chance.sample(items, len(items)) for label, items in sorted(by_label.items())}
    for part, span in (("test", slice(0, TEST)), ("train", slice(TEST, TEST + TRAIN))):
        rows = [(label, item) for label, items in drawn.items() for item in items[span]]
        if isinstance(rows[0][1], str):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{part}.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([("label", "text"), *rows])
            continue
        for number, (label, item) in enumerate(rows):
            if not isinstance(item, str):
                place = folder / part / label
                place.mkdir(parents=True, exist_ok=True)
                item.save(place / f"{number:05}.png")
    return folder


def main() -> None:
    """Write every set into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name in SETS:
        print(write(name, folder / name))


if __name__ == "__main__":
    main()
