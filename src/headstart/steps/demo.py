"""Data for the demo: real images that an ordinary package install brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from headstart.config.schema import Config, DataConfig, ModelConfig
from headstart.errors import RequestError, did_you_mean

MODEL, IMAGE_SIZE, SECONDS = "builtin:efficientnet-lite0", 128, 120
PER_CLASS, SIDE = 100, 64


def demo_config(name: str, out: Path) -> Config:
    """The request of a demo, its data written beside the run folder.

    Raises:
        RequestError: there is no such demo.
    """
    if name != "image":
        raise RequestError(f"Unknown demo '{name}'.{did_you_mean(name, ['image'])}", "There is: image.")
    data = write_digits(out.with_name(f"{out.name}-data") / "digits")
    return Config(
        data=DataConfig(path=str(data)),
        model=ModelConfig(name=MODEL, image_size=IMAGE_SIZE),
        time_limit=SECONDS,
        out=str(out),
    )


def write_digits(folder: Path) -> Path:
    """Handwritten digits as class folders of PNG files (Alpaydin and Kaynak, 1998; CC BY 4.0).

    Args:
        folder: where; files that are there already are written again, the same.

    Returns:
        The folder.
    """
    # Imported here, as no other command needs it and it takes seconds.
    from sklearn.datasets import load_digits

    digits = load_digits()
    for digit in range(10):
        below = folder / str(digit)
        below.mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(digits.images[digits.target == digit][:PER_CLASS]):
            image = Image.fromarray((pixels * (255 / 16)).astype(np.uint8))
            image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(below / f"{number:03d}.png")
    return folder
