"""Records as Parquet tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from headstart.errors import MissingExtra, RequestError
from headstart.records.records import Records
from headstart.records.values import Decision, Predicted, Window

Make = Callable[..., Predicted]
NAMES = ("versions", "aliases", "predictions", "inputs", "feedback", "windows", "decisions")


def rows(path: Path) -> list[dict]:
    return parquet.read_table(path).to_pylist()


def test_every_table_is_a_file_and_holds_what_the_records_hold(
    records: Records, predicted: Make, tmp_path: Path
) -> None:
    written = [predicted(number) for number in range(5000)]
    written.append(predicted(5000, input=b"kept", media_type="text/plain"))
    written.append(predicted(5001, label=None, score=None, scores=(), features=None))
    records.add_predictions(written)
    records.set_alias("champion", 1, why="the first")
    records.remove_alias("champion", why="no more")
    records.add_feedback("p7", ["bee", "\ud800"], at=3.0)
    records.add_window(Window(1, 1.0, 2.0, 3.0, 11, 14, 4, True, False, {"p": 0.5}))
    records.add_decision(Decision(1.0, "watch", None, "", "why", {}))
    paths = records.to_parquet(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{name}.parquet" for name in NAMES]
    assert set(paths) == set((tmp_path / "new" / "folder").iterdir())
    versions, aliases, predictions, inputs, feedback, windows, decisions = map(rows, paths)
    assert versions[0]["labels"] == ["ant", "bee"]
    assert [(row["version"], row["why"]) for row in aliases] == [(1, "the first"), (None, "no more")]
    assert [row["id"] for row in predictions] == [row.id for row in written]
    assert [row["number"] for row in predictions] == list(range(1, len(written) + 1))
    for row, one in zip(predictions[::500], written[::500], strict=True):
        np.testing.assert_array_equal(row["features"], one.features)
        assert (row["scores"], row["at"], row["score"]) == ([0.75, 0.25], one.at, 0.75)
    assert predictions[-1]["features"] is predictions[-1]["score"] is predictions[-1]["label"] is None
    assert [row["input_kept"] for row in predictions[-2:]] == [True, False]
    assert inputs == [{"hash": written[5000].input_hash, "bytes": b"kept"}]
    assert feedback == [{"prediction": "p7", "labels": ["bee", "\\ud800"], "at": 3.0}]
    assert windows[0]["alarm"] is True and windows[0]["findings"] == '{"p": 0.5}'
    assert (windows[0]["first_number"], windows[0]["last_number"], windows[0]["settled"]) == (11, 14, False)
    assert decisions[0]["version"] is None


def test_empty_tables_have_their_columns_and_files_are_replaced(
    records: Records, predicted: Make, tmp_path: Path
) -> None:
    before = records.to_parquet(tmp_path)
    columns = [parquet.read_schema(path) for path in before]
    assert rows(before[2]) == []
    records.add_predictions([predicted(0)])
    after = records.to_parquet(tmp_path)
    assert before == after
    assert len(rows(after[2])) == 1
    assert [parquet.read_schema(path) for path in after] == columns


def test_a_folder_that_cannot_be_written_is_told(records: Records, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(RequestError, match=r"versions.parquet: cannot be written"):
        records.to_parquet(tmp_path / "taken")
    (tmp_path / "folder" / "inputs.parquet").mkdir(parents=True)
    with pytest.raises(RequestError, match=r"inputs.parquet: cannot be written"):
        records.to_parquet(tmp_path / "folder")
    assert not [path for path in (tmp_path / "folder").iterdir() if path.name.startswith(".")]


def test_without_pyarrow_the_extra_is_named(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"headstart\[data\]"):
        records.to_parquet(records.path.parent)


def test_records_load_neither_torch_nor_pyarrow() -> None:
    code = "import sys, headstart.records.records; print({'torch', 'pyarrow', 'scipy'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"
