import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file below a fresh root: a text as it stands, rows in the format of the suffix."""

    def write(name: str, content: str | bytes | list[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        elif path.suffix == ".parquet":
            pyarrow = pytest.importorskip("pyarrow")
            from pyarrow import parquet

            parquet.write_table(pyarrow.Table.from_pylist(content), path)
        elif path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(content[0]))
                writer.writeheader()
                writer.writerows(content)
        else:
            path.write_text("\n".join(json.dumps(row) for row in content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def real_texts() -> Path:
    """Data sets of texts that are beside the repository, where they are there."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "text"
    if not folder.is_dir():
        pytest.skip("the data sets of texts are not here")
    return folder
