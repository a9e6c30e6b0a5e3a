"""Calls of `headstart` as they are typed, and small fits for the tests of what befalls one."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# What the tests of faults share.
sys.path.insert(0, str(Path(__file__).parent))

from faults import SMALL, send_signal, strike_at

from headstart.cli import main

# Exit code, stdout, stderr.
Answer = tuple[int, str, str]
STOPPED_AFTER = 7


@pytest.fixture(scope="session")
def call() -> Callable[..., Answer]:
    """Runs `headstart` with some arguments, in this process."""

    def run(*arguments: object) -> Answer:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        before = sys.argv, signal.getsignal(signal.SIGTERM)
        sys.argv = ["headstart", *map(str, arguments)]
        try:
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exited:
                main()
        finally:
            sys.argv = before[0]
            signal.signal(signal.SIGTERM, before[1])
        printed, said = (stream.buffer.getvalue().decode() for stream in (out, err))
        return int(exited.value.code or 0), printed, said

    return run


@pytest.fixture(scope="session")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images of noise around two greys, in class folders; hard enough to make mistakes."""
    folder = tmp_path_factory.mktemp("shades") / "data"
    generator = np.random.default_rng(0)
    for label, colour in {"warm": (150, 120, 120), "cold": (120, 120, 150)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(20):
            pixels = generator.normal(colour, 60, (48, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def fit(call: Callable[..., Answer], shades: Path) -> Callable[..., Answer]:
    """`headstart fit` of few steps; with nothing named to resume, of `shades`."""

    def run(*arguments: object, data: Path = shades) -> Answer:
        import torch

        begin = () if "--resume" in arguments else (data, *SMALL)
        # So small a fit is slower on several threads, and equal to others on as many alone.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return call("fit", *begin, *arguments)
        finally:
            torch.set_num_threads(threads)

    return run


@pytest.fixture(scope="session")
def whole(fit: Callable[..., Answer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a fit that nothing has interrupted; only to be read."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    code, _, said = fit("--out", folder)
    assert code == 0, said
    return folder


@pytest.fixture(scope="session")
def stopped(fit: Callable[..., Answer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a fit that a signal ended in its second phase; only to be copied."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, "headstart.training.loop.set_rates", STOPPED_AFTER, send_signal(signal.SIGTERM))
        code, _, said = fit("--out", folder)
    assert code == 143, said
    return folder
