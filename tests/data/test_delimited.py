"""Cells of tables as text."""

import csv
from pathlib import Path

import pytest

from headstart.data import delimited
from headstart.data.delimited import read_delimited
from headstart.errors import DataError


def test_a_very_long_text_is_a_cell_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"text,label\n{'word ' * 400_000},long\nshort,short\n")
    limit = csv.field_size_limit()
    table = read_delimited(path)
    assert [len(row[0]) for row in table.rows] == [2_000_000, 5]
    assert csv.field_size_limit() == limit


def test_a_cell_that_is_longer_than_any_text_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "LONGEST", 1000)
    path = tmp_path / "long.csv"
    path.write_text(f"text,label\nshort,short\n{'y' * 2000},long\n")
    with pytest.raises(DataError, match="line 3: a cell has more than 1000 characters"):
        read_delimited(path)
