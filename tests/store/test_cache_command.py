"""`headstart cache`: what is there, and what becomes of it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headstart.cli import main
from headstart.store.cache import Cache

DESCRIPTION = {
    "kind": "activation",
    "model": "timm:[odd]",
    "boundary": "blocks.3",
    "sha256": "0" * 64,
    "n": 3,
}
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs `headstart cache` on the cache of the test."""
    monkeypatch.setenv("HEADSTART_CACHE", str(cache.root))
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["headstart", "cache", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        signal.signal(signal.SIGTERM, before)
        return int(exited.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def kept(cache: Cache) -> Path:
    """A shelf that was used two days ago."""
    shelf = cache.shelf(DESCRIPTION)
    with shelf.writing() as writer:
        for number in range(1200):
            writer.add(str(number), {"x": np.zeros(100, np.uint8)})
    then = time.time() - 2 * 86_400
    os.utime(shelf.folder / "lock", (then, then))
    return shelf.folder


def test_a_shelf_is_a_line(call: Call, kept: Path, cache: Cache) -> None:
    code, printed, _ = call()
    place, heads, line = printed.splitlines()
    assert code == 0
    assert place == f"{cache.root}: 139.5 kB of at most 10.0 GB"
    assert heads.split() == ["what", "rows", "size", "last", "used"]
    assert line.startswith("activation, timm:[odd], blocks.3  1,200  139.5 kB  ")


def test_measurements_are_a_line_and_are_cleared(call: Call, cache: Cache) -> None:
    for room in ("engines", "steps"):
        file = cache.measurements / room / "part" / "machine.json"
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(100))
    place, _, line = call()[1].splitlines()
    assert place == f"{cache.root}: 200 bytes of at most 10.0 GB"
    assert line.split()[:3] == ["measurements", "200", "bytes"]
    assert call("--clear") == (0, "Freed 200 bytes.\n", "")


def test_a_shelf_in_use_says_so_and_is_not_cleared(call: Call, kept: Path, cache: Cache) -> None:
    shelf = cache.shelf(DESCRIPTION)
    assert call()[1].rstrip().endswith("now")
    assert call("--clear")[1] == "Freed 0 bytes. 1 in use stay.\n"
    assert shelf.row("3")["x"].shape == (100,)


def test_an_empty_cache_is_a_line(call: Call, cache: Cache) -> None:
    settings = ("--set", "cache.gigabytes=2.5")
    assert call(*settings) == (0, f"{cache.root}: 0 bytes of at most 2.5 GB\n", "")


def test_programs_read_it_as_json(call: Call, kept: Path, cache: Cache) -> None:
    state = json.loads(call("--json")[1])
    (shelf,) = state.pop("shelves")
    assert state == {"path": str(cache.root), "limit": 10_000_000_000, "size": shelf["size"]}
    assert shelf["description"] == DESCRIPTION
    assert (shelf["path"], shelf["rows"], shelf["in_use"]) == (str(kept), 1200, False)
    assert json.loads(call("--clear", "--json")[1]) == {"freed": shelf["size"], "in_use": 0}


def test_clearing_says_how_much_was_freed(call: Call, kept: Path) -> None:
    assert call("--clear", "--older-than", "3d") == (0, "Freed 0 bytes.\n", "")
    assert kept.exists()
    assert call("--clear", "--older-than", "1d12h") == (0, "Freed 139.5 kB.\n", "")
    assert not kept.exists()


def test_a_request_may_name_another_cache(call: Call, tmp_path: Path, kept: Path) -> None:
    request = tmp_path / "request.toml"
    request.write_text(f'cache.path = "{tmp_path / "other"}"\n')
    assert call("--config", str(request))[1] == f"{tmp_path / 'other'}: 0 bytes of at most 10.0 GB\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--older-than", "3d"), "headstart: --older-than: says what --clear removes. Add --clear.\n"),
        (
            ("--clear", "--older-than", "old"),
            "headstart: --older-than: must be a duration. Got 'old'. Write it as 30d, or 12h.\n",
        ),
    ],
)
def test_a_wrong_call_removes_nothing(call: Call, kept: Path, arguments: tuple[str, ...], said: str) -> None:
    assert call(*arguments) == (2, "", said)
    assert kept.exists()


def test_a_cache_that_cannot_be_read_is_said(call: Call, cache: Cache) -> None:
    cache.root.write_text("")
    code, _, said = call()
    assert code == 2
    assert said == (
        f"headstart: {cache.root}: cannot be written (Not a directory). "
        "Set HEADSTART_CACHE or cache.path to a folder that can.\n"
    )
