"""Calls of `headstart` as they are typed."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest

from headstart.cli import main

# Exit code, stdout, stderr.
Answer = tuple[int, str, str]


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
