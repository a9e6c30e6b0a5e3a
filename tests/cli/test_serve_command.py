"""What `headstart serve` makes of its options, and which it refuses."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart import production
from headstart.service.options import MEGABYTE, ServiceOptions

Answer = tuple[int, str, str]
Call = Callable[..., Answer]


@pytest.fixture
def serve(call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ServiceOptions | Answer]:
    """Calls `headstart serve`, which gives the options that the service would run with, or what is said."""
    made: list[ServiceOptions] = []
    monkeypatch.delenv("HEADSTART_TOKEN", raising=False)
    monkeypatch.setattr(production, "serve", lambda run, options, **_: made.append(options))

    def run(*arguments: object) -> Any:
        answer = call("serve", "run", *arguments)
        return made.pop() if made else answer

    return run


def test_options_reach_the_service(serve: Callable[..., ServiceOptions]) -> None:
    options = serve("--max-body", 8, "--max-characters", 500, "--max-wait", 0)
    assert (options.body, options.json) == (8 * MEGABYTE, 2 * MEGABYTE)
    assert (options.characters, options.max_wait_ms) == (500, 0)
    assert serve() == ServiceOptions()


def test_an_address_that_is_taken_is_told_before_anything_is_made(
    call: Call, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, said = call("serve", whole, "--port", port)
    assert (code, said.count("\n")) == (2, 1)
    assert f"127.0.0.1:{port}: cannot be listened on" in said and "--port" in said
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def named(call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls `headstart serve` up to where requests would be taken, and tells the name of the model."""
    made: list[ServiceOptions] = []
    monkeypatch.delenv("HEADSTART_TOKEN", raising=False)
    monkeypatch.setattr("headstart.steps.serve.run_server", lambda app, options, _: made.append(options))

    def run(*arguments: object) -> str:
        code, _, said = call("serve", *arguments, "--port", 0, "--engine", "torch")
        assert code == 0, said
        return made.pop().name

    return run


def test_the_model_is_called_as_its_run_whatever_way_it_is_named(
    named: Callable[..., str], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path(shutil.copytree(whole, tmp_path / "runs" / "two shades"))
    moved = Path(shutil.copytree(whole / "model", tmp_path / "moved"))
    assert named(run) == named(run / "model") == "two-shades"
    assert named(Path("services", "two shades")) == "two-shades"
    assert named(moved) == "moved"
    assert named(run, "--service", "elsewhere") == "two-shades"
    assert named(run, "--name", "shades") == "shades"


def test_all_bodies_may_take_what_one_may(serve: Callable[..., ServiceOptions]) -> None:
    assert serve("--max-body", 300).bodies == 300 * MEGABYTE


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "-1"])
@pytest.mark.parametrize("option", ["--max-body", "--deadline", "--max-wait", "--sample"])
def test_what_is_no_number_is_a_wrong_call(serve: Callable[..., Answer], option: str, number: str) -> None:
    code, _, said = serve(option, number)
    assert code == 2 and f"Invalid value for '{option}'" in said


@pytest.mark.parametrize("option", ["--max-body", "--deadline", "--max-batch", "--max-characters"])
def test_what_would_let_nothing_through_is_a_wrong_call(serve: Callable[..., Answer], option: str) -> None:
    code, _, said = serve(option, 0)
    assert code == 2 and f"Invalid value for '{option}'" in said


def test_a_token_is_read_from_a_file_or_the_environment(
    serve: Callable[..., ServiceOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    assert serve("--token-file", tmp_path / "token").token == "from-a-file"
    monkeypatch.setenv("HEADSTART_TOKEN", "from-outside\n")
    assert serve().token == "from-outside"
    assert serve("--token-file", tmp_path / "token").token == "from-a-file"


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_a_place_of_a_token_that_has_none_is_refused(
    serve: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / "token").write_bytes(content)
    code, _, said = serve("--token-file", tmp_path / "token")
    assert code == 2 and "has no token" in said
    monkeypatch.setenv("HEADSTART_TOKEN", content.decode())
    code, _, said = serve()
    assert code == 2 and "HEADSTART_TOKEN has no token" in said


def test_a_token_that_is_no_text_is_refused(serve: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00")
    code, _, said = serve("--token-file", tmp_path / "token")
    assert code == 2 and "token must be of visible ASCII characters" in said


def test_what_opening_took_is_handed_back_before_memory_is_kept_for_requests(
    call: Call, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADSTART_TOKEN", raising=False)
    done: list[str] = []
    for name in ("keep_reference", "give_back_freed_memory", "keep_freed_memory", "run_server"):
        monkeypatch.setattr(f"headstart.steps.serve.{name}", lambda *_, name=name: done.append(name))
    code, _, said = call("serve", whole, "--service", tmp_path / "s", "--port", 0, "--engine", "torch")
    assert code == 0, said
    assert done == ["keep_reference", "give_back_freed_memory", "keep_freed_memory", "run_server"]
