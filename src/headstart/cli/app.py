"""The commands, and what becomes of an error. Knows no command's arguments."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from headstart import __version__
from headstart.cli.cache import cache
from headstart.cli.check import check
from headstart.cli.compare import compare
from headstart.cli.demo import demo
from headstart.cli.deploy import deploy
from headstart.cli.evaluate import evaluate
from headstart.cli.export import export
from headstart.cli.fit import fit
from headstart.cli.models import models
from headstart.cli.predict import predict
from headstart.cli.records import records
from headstart.cli.retrain import retrain
from headstart.cli.serve import serve
from headstart.cli.tune import tune
from headstart.cli.versions import versions
from headstart.cli.watch import watch
from headstart.data.layout import printable
from headstart.errors import HeadstartError

TRACEBACK = "HEADSTART_TRACEBACK"

app = typer.Typer(
    name="headstart",
    help="Fine-tune a pretrained model on your own small labelled data, honestly evaluated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
MAKING = (fit, check, models, tune, evaluate, compare, predict)
USING = (export, deploy, serve, watch, retrain, versions, records)
for command in (*MAKING, *USING, demo, cache):
    app.command()(command)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"headstart {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Fine-tune a pretrained model on your own small labelled data, honestly evaluated."""


def main() -> NoReturn:
    """Run the command that the arguments name; its exit code is 0, 1, 2, 130 or 143."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    # Names of files need not be Unicode; they are written as they were read.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    try:
        app()
    except HeadstartError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}. Check the path, its permissions, and the disk.")
        sys.exit(1)
    except Exception as error:
        _say(f"{type(error).__name__}: {error}")
        print(f"This is a fault of headstart; please report it. {TRACEBACK}=1 shows where.", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _say(message: str) -> None:
    """An error on the screen, with its traceback where that is asked for."""
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    print(f"headstart: {printable(message)}", file=sys.stderr)


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
