"""A journal survives those who write it: torn lines, and locks of the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import optuna
import pytest

from headstart.errors import RequestError
from headstart.tuning.storage import JOURNAL, Lock, open_storage, repair


def study_in(folder: Path) -> optuna.Study:
    return optuna.create_study(storage=open_storage(folder, None), study_name="s", load_if_exists=True)


def finished(folder: Path) -> list[float]:
    return [trial.value for trial in study_in(folder).trials if trial.value is not None]


@pytest.mark.parametrize("kept", [1, 5, 20])
def test_a_torn_last_line_is_dropped_and_the_study_goes_on(tmp_path: Path, kept: int) -> None:
    study = study_in(tmp_path)
    for value in (1.0, 2.0):
        study.tell(study.ask(), value)
    journal = tmp_path / JOURNAL
    whole = journal.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    journal.write_bytes(whole + last[:kept])
    assert finished(tmp_path) == [1.0, 2.0]
    assert journal.read_bytes().startswith(whole)
    again = study_in(tmp_path)
    again.tell(again.ask(), 3.0)
    assert finished(tmp_path) == [1.0, 2.0, 3.0]


def test_who_writes_while_another_dies_cuts_the_torn_line_off_first(tmp_path: Path) -> None:
    study = study_in(tmp_path)
    trial = study.ask()
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 4, "worker_id": "dead')
    study.tell(trial, 1.0)
    assert finished(tmp_path) == [1.0]


def test_a_line_that_is_none_in_the_middle_is_dropped(tmp_path: Path) -> None:
    study = study_in(tmp_path)
    study.tell(study.ask(), 1.0)
    journal = tmp_path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:1], b"\0\0\0\n", b"[1]\n", *lines[1:]]))
    repair(journal, Lock(journal))
    assert journal.read_bytes() == b"".join(lines)
    assert finished(tmp_path) == [1.0]


def test_the_lock_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    program = f"""
        from pathlib import Path
        from headstart.tuning.storage import Lock
        lock = Lock(Path({str(tmp_path / JOURNAL)!r}))
        lock.acquire()
        print("held", flush=True)
        import time; time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    began = time.monotonic()
    assert finished(tmp_path) == []
    assert time.monotonic() - began < 5


def test_a_database_serves_as_well_and_one_that_is_not_there_is_named_without_its_password(
    tmp_path: Path,
) -> None:
    storage = open_storage(tmp_path, f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.create_study(storage=storage, study_name="s")
    study.optimize(lambda trial: 1.0, n_trials=1)
    assert not (tmp_path / JOURNAL).exists()
    with pytest.raises(RequestError) as refused:
        open_storage(tmp_path, "sqlite:////user:secret@/nowhere/at/all.db")
    assert "--storage" in str(refused.value) or "install" in str(refused.value)
    with pytest.raises(RequestError) as refused:
        open_storage(tmp_path, "nonsense://me:secret@host/db")
    assert "secret" not in str(refused.value)
