"""Markdown pages as their readers use them: fenced blocks, run one after the other.

The word after the three backticks says what becomes of a block:

- ``python`` is executed; the blocks of a page share their names;
- ``console`` holds commands behind ``$``, and what they print, in which ``...`` is anything;
  ``console exit=2`` expects that exit code, ``console no-run`` is only shown;
- ``toml`` is a request, and must load; ``toml file=NAME`` is also written to that file;
- ``text``, ``json`` are only shown.
"""

from __future__ import annotations

import doctest
import io
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from headstart.cli import main
from headstart.config.load import load

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

LANGUAGES = frozenset({"python", "console", "toml", "text", "json"})
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$\n?", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its first line of text, from 1."""

    page: Path
    line: int
    language: str
    options: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        language, *words = found.group(1).split()
        options = {name: value for name, _, value in (word.partition("=") for word in words)}
        yield Block(page, text.count("\n", 0, found.start()) + 2, language, options, found.group(2))


def run(block: Block, names: dict[str, Any]) -> None:
    """Do with a block what its language and options say, in the working directory."""
    if "no-run" in block.options:
        return
    match block.language:
        case "python":
            # Blank lines before it, so that a traceback shows the page's own line.
            exec(compile("\n" * (block.line - 1) + block.text, str(block.page), "exec"), names)
        case "console":
            _run_commands(block)
        case "toml":
            file = Path(block.options.get("file", "request.toml"))
            file.write_text(block.text, encoding="utf-8")
            load(file)


def _run_commands(block: Block) -> None:
    expected_code = int(block.options.get("exit", 0))
    for command, expected in _commands(block):
        code, printed = call(command)
        assert code == expected_code, f"{block.place}: $ {command}\nexit code {code}\n{printed}"
        if expected.strip():
            matches = doctest.OutputChecker().check_output(expected, printed, LOOSELY)
            assert matches, f"{block.place}: $ {command}\nprinted:\n{printed}\nbut the page says:\n{expected}"


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    """Commands, each with the output that is shown below it."""
    pieces = _COMMAND.split(block.text)
    assert not pieces[0].strip(), f"{block.place}: output before the first command"
    assert len(pieces) > 1, f"{block.place}: no command; it begins with '$ '"
    yield from zip((command.replace("\\\n", "") for command in pieces[1::2]), pieces[2::2], strict=True)


def call(command: str) -> tuple[int, str]:
    """Run a ``headstart`` command as typed: its exit code, and what a terminal shows."""
    arguments = shlex.split(command)
    assert arguments[0] == "headstart", f"only headstart is run: $ {command}"
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    code = 0
    with redirect_stdout(screen), redirect_stderr(screen), patch.object(sys, "argv", arguments):
        try:
            main()
        except SystemExit as exited:
            code = int(exited.code or 0)
    screen.seek(0)
    return code, screen.read()
