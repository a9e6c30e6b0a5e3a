"""headstart predict: a file name with a slip in it is not passed over as a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from headstart import workflow
from headstart.contracts import Prediction

Call = Callable[..., tuple[int, str, str]]


def spam(path: Path, inputs: Iterable[str]) -> Iterator[tuple[str, Prediction]]:
    """What a text model says of anything."""
    for name in inputs:
        yield name, Prediction("spam", 0.9, {"ham": 0.1, "spam": 0.9})


def test_a_text_that_looks_like_the_name_of_a_file_is_pointed_out(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "predict", spam)
    monkeypatch.chdir(tmp_path)
    Path("later.csv").write_text("text\nfree\n")
    code, printed, said = call("predict", "run", "later.csvx", "is it free.now", "3.14", "Hi!", "later.csv")
    assert (code, len(printed.splitlines())) == (0, 6)
    hint = "later.csvx: there is no such file; taken as a text. Did you mean 'later.csv'?"
    assert said == f"headstart: {hint}\n"
    _, _, said = call("predict", "run", "nowhere/else.txt", "--json")
    assert said == "headstart: nowhere/else.txt: there is no such file; taken as a text.\n"
