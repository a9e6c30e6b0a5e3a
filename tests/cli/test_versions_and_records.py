"""What a service has: its versions and decisions, and its records as tables."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet

from headstart.errors import RequestError
from headstart.records.records import Records
from headstart.records.values import Decision, Predicted
from headstart.steps.service import add_model

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def service(whole: Path, tmp_path: Path) -> Path:
    """A run, which is both champion and challenger, and a copy of its bundle, which was champion before."""
    with Records(tmp_path / "service" / "records.sqlite") as records:
        copy = Path(shutil.copytree(whole / "model", tmp_path / "copy"))
        for number, path in enumerate((copy, whole), 1):
            version, _ = add_model(records, path)
            assert version.number == number
            records.set_alias("champion", number, why="test")
        records.set_alias("challenger", 2, why="test")
        for number in range(7):
            why = f"Reason {number} is told in many words, so that it does not fit into a line of a terminal."
            records.add_decision(Decision(1.7e9 + number, "retrain", 2, "refused", why, {}))
    return tmp_path / "service"


def test_versions_are_listed_with_every_alias_and_their_score(
    call: Call, service: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = json.loads((whole / "result.json").read_text())
    _, printed, _ = call("versions", service, "--json")
    copy, run = json.loads(printed)
    assert (copy["aliases"], copy["test"]) == ([], None)
    assert run["aliases"] == ["champion", "challenger"]
    assert run["test"] == {"metric": "accuracy", **result["test"]["metrics"]["accuracy"]}

    monkeypatch.chdir(service.parent)
    _, printed, _ = call("versions", service)
    assert "champion, challenger  accuracy " in printed
    assert "\n         copy\n" in printed
    assert "Reason 1" not in printed
    assert "Reason 2 is told in many words" in printed
    assert "2023-11-14 22:13 UTC  retrain 2  refused" in printed


@pytest.mark.parametrize("width", [20, 80, 300])
def test_a_path_stands_whole_on_a_line_of_its_own_whatever_the_width(
    call: Call, service: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    far = tmp_path.joinpath(*(["services", "sms", "retrained"] * 4), "run")
    with Records(service / "records.sqlite") as records:
        add_model(records, Path(shutil.copytree(whole / "model", far)))
    monkeypatch.setenv("COLUMNS", str(width))
    _, printed, _ = call("versions", service)
    assert str(far) in map(str.strip, printed.splitlines())


def test_each_score_names_its_metric(call: Call, service: Path, whole: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(whole, tmp_path / "other"))
    result = json.loads((other / "result.json").read_text())
    result["metric"] = "macro_f1"
    (other / "result.json").write_text(json.dumps(result))
    with Records(service / "records.sqlite") as records:
        records.add_version(str(other), "3" * 64, task="image-classification", labels=("warm",))
    _, printed, _ = call("versions", service)
    assert "challenger  accuracy " in printed
    assert "  macro F1 " in printed


def test_a_former_champion_that_was_changed_is_not_rolled_back_to(
    call: Call, service: Path, tmp_path: Path
) -> None:
    facts = tmp_path / "copy" / "bundle.json"
    before = facts.read_text()
    facts.write_text(before + "\n")
    code, _, said = call("versions", service, "--rollback")
    assert (code, "it was changed since" in said) == (2, True)
    with Records(service / "records.sqlite") as records:
        assert records.aliases()["champion"] == 2
        assert len(records.decisions()) == 7
    facts.write_text(before)
    assert call("versions", service, "--rollback")[0] == 0
    with Records(service / "records.sqlite") as records:
        assert records.aliases()["champion"] == 1
        assert records.decisions()[-1].kind == "rollback"


def test_a_service_that_may_only_be_read_is_told_as_it_is_and_left_alone(
    call: Call, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [("versions", service), ("records", service, "--json")]
    expected = [call(*one) for one in asked]
    (service / "records.sqlite-lock").unlink()
    # Whoever runs the tests may write everywhere.
    monkeypatch.setattr(os, "access", lambda _, wanted: wanted != os.W_OK)
    assert [call(*one) for one in asked] == expected
    assert [file.name for file in service.iterdir()] == ["records.sqlite"]


def test_a_version_is_promoted_with_its_decision_or_not_at_all(
    call: Call, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise RequestError("The decision cannot be written.", "Try again.")

    with monkeypatch.context() as patched:
        patched.setattr("headstart.records.findings.add_decision", interrupted)
        for change in (["--promote", 1], ["--rollback"]):
            assert call("versions", service, *change)[0] == 2
    with Records(service / "records.sqlite") as records:
        assert records.aliases()["champion"] == 2
    assert call("versions", service, "--promote", 1)[0] == 0
    with Records(service / "records.sqlite") as records:
        assert records.aliases()["champion"] == 1
        assert records.decisions()[-1].kind == "promote"


def test_records_are_told_and_written_as_tables(call: Call, service: Path, tmp_path: Path) -> None:
    code, printed, _ = call("records", service)
    assert code == 0
    assert printed.startswith(f"{service / 'records.sqlite'}: ")
    assert "predictions  0\n" in printed
    rows = [
        Predicted(
            id=f"p{number}",
            version=2,
            at=1.7e9 + 60 * number,
            input_hash=f"h{number}",
            label="warm",
            score=0.75,
            scores=(0.25, 0.75),
            features=None,
            milliseconds=1.0,
            input=b"12345",
        )
        for number in range(3)
    ]
    with Records(service / "records.sqlite") as records:
        records.add_predictions(rows)
        records.add_feedback("p1", ["cold"])
    _, printed, _ = call("records", service)
    assert "predictions  3, from 2023-11-14 22:13 UTC to 2023-11-14 22:15 UTC\n" in printed
    assert "labelled     1\ninputs       3 kept, 15 bytes\n" in printed
    assert "windows      0, of which 0 rang\ndecisions    7\n" in printed
    filled = tmp_path / "filled.csv"
    filled.write_text("id,label\np0,warm\np2,\n")
    _, printed, said = call("records", service, "--labels", filled)
    assert said == f"1 label taken from {filled}.\n"
    assert "labelled     2\n" in printed
    filled.write_text("id,label\np0,warm|cold\n")
    code, _, said = call("records", service, "--labels", filled)
    assert (code, "'warm|cold' are several labels, and exactly one is right" in said) == (2, True)
    _, printed, _ = call("records", service, "--parquet", tmp_path / "tables")
    files = list(map(Path, printed.splitlines()))
    assert set(files) == set((tmp_path / "tables").iterdir())
    assert parquet.read_table(tmp_path / "tables" / "predictions.parquet").num_rows == 3
    _, printed, _ = call("records", service, "--parquet", tmp_path / "tables", "--json")
    found = json.loads(printed)
    assert (found["predictions"], found["labelled"], found["input_bytes"]) == (3, 2, 15)
    assert found["tables"] == list(map(str, files))
