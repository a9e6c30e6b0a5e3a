"""What a run is called where the user does not say."""

from pathlib import Path

import pytest

from headstart.artifact.run import name_for, next_free


@pytest.mark.parametrize("written", ["photos", "photos/", "photos/cats/..", "."])
def test_a_run_is_called_as_its_data_whatever_way_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "photos" if written == "." else tmp_path)
    assert name_for(Path(written)) == "photos"


def test_data_without_a_name_gives_one_nevertheless() -> None:
    assert name_for(Path("/")) == "run"


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos-2").mkdir()
    assert next_free(tmp_path, "photos") == tmp_path / "photos-3"
