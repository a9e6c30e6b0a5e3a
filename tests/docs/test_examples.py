"""Every script in examples/ runs as it stands, and prints something."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from documents import ROOT

from headstart import catalog

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_example_runs(
    script: Path, reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script.name])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_the_example_technique_needs_one_line_in_the_catalogue(
    reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import headstart as hs

    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.setitem(catalog.TECHNIQUES, "surgical", "custom_technique:Surgical")
    run = hs.fit("photos", technique="surgical", settings={"technique.options.part": "first"}, stream=None)
    assert run.result["technique"] == "surgical"
    assert run.result["steps"] > 0
