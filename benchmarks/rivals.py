"""An environment of their own for fastai and transformers, made once with pip."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.harness import ROOT, ContestantFailed, called

FOLDER = ROOT / "benchmarks" / ".rivals"
PYTHON = FOLDER / "bin" / "python"
PACKAGES = ("fastai", "transformers[torch]", "torchvision", "timm")
NAMES = ("fastai", "transformers", "accelerate", "torch")  # whose versions are noted


def environment() -> Path:
    """The interpreter; where there is none yet, some minutes of downloads come first.

    Raises:
        ContestantFailed: pip could not install them.
    """
    ready = FOLDER / "ready"
    if not ready.exists():
        print("Installing fastai and transformers ...", file=sys.stderr, flush=True)
        called([sys.executable, "-m", "venv", FOLDER])
        pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet"]
        try:
            # With the same versions of torch, numpy and Pillow as here, where that is possible.
            called([*pip, "--constraint", ROOT / "constraints.txt", *PACKAGES])
        except ContestantFailed:
            called([*pip, "torch!=2.13.0", *PACKAGES])
        ready.touch()
    return PYTHON
