from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Stripes = Callable[[int, int], Path]


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Stripes:
    """Makes two classes of so many square images of a side that differ in the direction of their stripes."""

    def make(count: int, side: int) -> Path:
        random = np.random.default_rng(0)
        folder = tmp_path_factory.mktemp("stripes")
        for label in ("across", "down"):
            (folder / label).mkdir()
            for number in range(count):
                wave = 127 + 60 * np.sin(np.arange(side) * random.uniform(0.4, 1.2) + random.uniform(0, 6))
                pixels = np.tile(wave[:, None], (1, side)) + random.normal(0, 60, (side, side))
                pixels = pixels if label == "across" else pixels.T
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / label / f"{number}.png")
        return folder

    return make
