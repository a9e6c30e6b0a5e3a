from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.data.forms.labelled_files import LabelledFiles


@pytest.fixture
def form() -> LabelledFiles:
    return LabelledFiles(frozenset({".jpg", ".jpeg", ".png"}))


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    """Writes small images of noise at paths below a fresh root, each another one."""

    def write(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            seed = int.from_bytes(name.encode(errors="surrogateescape")[-6:])
            pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        return tmp_path

    return write
