"""`headstart fit`, killed with SIGKILL at a moment, gone on with, and compared with one that nobody kills.

python killed_fits.py FOLDER MOMENT ... prints a line for each moment. Moments: "change:N" is before the
N-th change to the disk (a write, sync, rename, removal), "step:N" in the N-th step of training,
"before:MODULE.FUNCTION" before a call, "seconds:S" any moment at all.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # An optimiser's first step imports it, for seconds: once, before the children.
from faults import SMALL, differing

import headstart.workflow  # noqa: F401  As above.
from headstart.cli import main
from headstart.training import loop

CHANGES = ("fsync", "mkdir", "rename", "replace", "rmdir", "unlink", "write")


def compare(folder: Path, moment: str) -> str:
    """Equal or not, and how it went on."""
    data, whole, run = folder / "data", folder / "whole", folder / moment.replace(":", "-")
    begin = [str(data), "--out", str(run), *SMALL]
    status = fit_in_child(begin, moment)
    has_begun = (run / "config.toml").exists()
    went_on = "resumed" if has_begun else "begun again"
    if status == 0:
        went_on = "finished before"
    elif not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        return f"{moment}: failed"
    # Killed between the last file and the lock, there is nothing left to do.
    elif not (run / "result.json").exists() and fit_in_child(["--resume", str(run)] if has_begun else begin):
        return f"{moment}: does not go on"
    if differ := differing(run, whole):
        return f"{moment}: differs in {', '.join(differ)}"
    return f"{moment}: equal, {went_on}"


def fit_in_child(arguments: Sequence[str], moment: str = "never:") -> int:
    """Fork, and run `headstart fit` there; the child's exit status."""
    pid = os.fork()
    if pid == 0:
        torch.manual_seed(os.getpid())  # The process's own random numbers must not matter.
        prepare_kill(*moment.split(":"))
        sys.argv = ["headstart", "fit", *arguments]
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(sys.stderr):
            code = 1
            with suppress(BaseException):
                try:
                    main()
                except SystemExit as exited:
                    code = int(exited.code or 0)
        os._exit(code)
    kind, _, when = moment.partition(":")
    if kind == "seconds":
        time.sleep(float(when))
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def prepare_kill(kind: str, when: str) -> None:
    """Make this process kill itself at a moment."""
    if kind == "change":
        count = Countdown(int(when))
        for name in CHANGES:
            setattr(os, name, count.before(getattr(os, name)))
    elif kind == "step":
        loop.set_rates = Countdown(int(when)).before(loop.set_rates)
    elif kind == "before":
        module, _, name = when.rpartition(".")
        owner = importlib.import_module(module)
        setattr(owner, name, Countdown(1).before(getattr(owner, name)))


class Countdown:
    """Kills this process before the n-th call of what it wraps."""

    def __init__(self, count: int) -> None:
        self.left = count

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return counted


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    if fit_in_child([str(folder / "data"), "--out", str(folder / "whole"), *SMALL]) != 0:
        sys.exit("the fit that nobody kills has failed")
    for moment in sys.argv[2:]:
        print(compare(folder, moment), flush=True)
