"""Folders of photos, split once for everybody: train/, val/ and test/, each of class folders."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 500, 375
DEGREES = {"flat": 0, "slanted": 25, "steep": 50}  # of the strokes in the pictures of each class
SUFFIXES = {".jpg", ".jpeg", ".png"}
SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}


def generate(folder: Path, count: int) -> Path:
    """Write `count` JPEG files of photographic size and detail, the same ones every time.

    Each shows clouds of colour, grain, and strokes whose direction tells the class, not too clearly.
    """

    def write(number: int) -> None:
        label = list(DEGREES)[number % len(DEGREES)]
        path = folder / label / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        _picture(label, np.random.default_rng(number)).save(path, quality=90)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))
    return folder


def divide(photos: Path, folder: Path) -> Path:
    """Copy class folders, at any depth, into train/, val/ and test/: the same split every time."""
    by_label: dict[str, list[Path]] = {}
    for path in sorted(photos.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            by_label.setdefault(path.parent.name, []).append(path)
    for label, paths in by_label.items():
        random.Random(0).shuffle(paths)
        for part, places in _places(len(paths)):
            target = folder / part / label
            target.mkdir(parents=True)
            for place in places:
                shutil.copyfile(paths[place], target / f"{place:05}{paths[place].suffix.lower()}")
    return folder


def count(folder: Path) -> dict[str, int]:
    """Photos in each part."""
    return {part: sum(path.is_file() for path in (folder / part).rglob("*")) for part in SHARES}


def _places(total: int) -> Iterator[tuple[str, range]]:
    begin, share = 0, 0.0
    for part, more in SHARES.items():
        share += more
        end = round(total * share)
        yield part, range(begin, end)
        begin = end


def _picture(label: str, generator: np.random.Generator) -> Image.Image:
    clouds = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for side, strength in ((4, 36), (16, 24), (64, 16)):
        noise = Image.fromarray(generator.integers(0, 256, (side, side, 3), np.uint8))
        smooth = noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        clouds += (np.asarray(smooth, np.float32) - 128) * (strength / 64)
    angle = math.radians(DEGREES[label] + generator.normal(0, 6))
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    waves = generator.uniform(0.1, 0.4) * (x * math.sin(angle) + y * math.cos(angle))
    strokes = generator.uniform(4, 16) * np.sin(waves + clouds[..., 0] / 40)
    grain = generator.standard_normal((HEIGHT, WIDTH), np.float32) * 6
    values = 128 + clouds + (strokes + grain)[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
