"""Writers that are killed, and several at once: what was committed is there, and whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import Held
from headstart.records.records import Records
from headstart.records.turn import Turn
from headstart.records.values import Bounds, Predicted

Make = Callable[..., Predicted]
BOUNDS = {"predictions": 200, "input_bytes": 100_000}
# Predictions of one transaction.
BATCH = 4

# Writes batches of predictions whose values tell their number, and says of each that it is committed.
WRITER = f"""
import hashlib
import sys
from pathlib import Path
import numpy as np
from headstart.records.records import Records
from headstart.records.values import Bounds, Predicted

name, batches = sys.argv[2], int(sys.argv[3])
with Records(Path(sys.argv[1]), Bounds(**{BOUNDS})) as records:
    version = records.add_version("/runs/one", "1" * 64, task="t", labels=["ant", "bee"]).number
    print("begun", flush=True)
    for batch in range(batches):
        rows = []
        for place in range({BATCH}):
            content = f"{{name}} {{batch}} {{place}} ".encode() * (10 + 7 * (batch % 40))
            rows.append(
                Predicted(
                    id=f"{{name}}-{{batch}}-{{place}}",
                    version=version,
                    at=0.0,
                    input_hash=hashlib.sha256(content).hexdigest(),
                    label="ant",
                    score=0.5,
                    scores=(0.5, 0.5),
                    features=np.full(batch % 90, batch, np.float32),
                    milliseconds=1.0,
                    media_type=name,
                    input=content,
                )
            )
        records.add_predictions(rows)
        print(batch, flush=True)
        if batch % 5 == 0:
            assert records.add_feedback(f"{{name}}-{{batch}}-0", ["bee"])
            print(f"said {{batch}}", flush=True)
"""


def start(file: Path, name: str, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(file), name, str(batches)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def assert_whole(file: Path) -> None:
    """The file is sound, what is counted is there, and every row has the values of its name."""
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert (
        connection.execute("SELECT * FROM totals").fetchone()
        == connection.execute(
            "SELECT (SELECT count(*) FROM predictions), (SELECT count(*) FROM feedback),"
            " (SELECT coalesce(sum(length(bytes)), 0) FROM contents),"
            " (SELECT coalesce(sum(size), 0) FROM inputs WHERE labelled)"
        ).fetchone()
    )
    connection.close()
    with Records(file) as records:
        for row in records.predictions():
            name, batch, place = row.id.split("-")
            assert row.features is not None and row.features.tolist() == [float(batch)] * (int(batch) % 90)
            kept = records.input_of(row.id)
            assert kept is None or kept == (
                name,
                f"{name} {batch} {place} ".encode() * (10 + 7 * (int(batch) % 40)),
            )


def test_a_writer_that_is_killed_leaves_every_row_that_it_committed(file: Path) -> None:
    generator = np.random.default_rng(0)
    batches = 0
    for attempt in range(8):
        with start(file, str(attempt), 100_000) as process:
            time.sleep(generator.uniform(0.0, 0.4))
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            lines = process.stdout.read().splitlines()
        committed = [line for line in lines if line.isdecimal()]
        said = [line.split()[1] for line in lines if line.startswith("said")]
        assert_whole(file)
        with Records(file, create=False) as records:
            there = {row.id for row in records.predictions()}
            assert there >= {
                f"{attempt}-{batch}-{place}" for batch in committed[-3:] for place in range(BATCH)
            }
            with_feedback = {row.id for row, _ in records.feedback()}
            assert with_feedback >= {f"{attempt}-{batch}-0" for batch in said[-10:]}
            assert len(there) <= 200
            assert len(records.versions()) == 1
        batches += len(committed)
    assert batches > 50


def test_processes_may_write_into_one_file_at_once(file: Path) -> None:
    writers = [start(file, name, 40) for name in "abc"]
    with Records(file, Bounds(**BOUNDS)) as records:
        while any(process.poll() is None for process in writers):
            rows = [row.id for row in records.predictions()[-50:]]
            assert len(rows) == len(set(rows))
            batches = [row.rpartition("-")[0] for row in rows if not row.endswith("-0")]
            assert all(batches.count(batch) <= BATCH - 1 for batch in batches)
    for process in writers:
        with process:
            pass
        assert process.returncode == 0
    assert_whole(file)
    with Records(file) as records:
        ids = [row.id for row in records.predictions()]
        for name in "abc":
            own = [int(id.split("-")[1]) for id in ids if id.startswith(name)]
            assert own == sorted(own)
        assert len(ids) == 200


def test_processes_may_begin_one_file_at_once(file: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(file)]
    writers = [subprocess.Popen([*command, name, "1"], stdout=subprocess.DEVNULL) for name in "abcd"]
    assert [process.wait() for process in writers] == [0, 0, 0, 0]
    with Records(file) as records:
        assert len(records.predictions()) == 4 * BATCH
        assert len(records.versions()) == 1


def test_threads_may_write_and_read_at_once(records: Records, predicted: Make) -> None:
    def work(thread: int) -> None:
        for number in range(25):
            one = 1000 * thread + number
            records.add_predictions([predicted(one, input=b"%d" % one), predicted(one + 500)])
            assert records.add_feedback(f"p{one}", ["bee"])
            assert records.input_of(f"p{one}") == ("", b"%d" % one)
            records.set_alias("champion", 1, why="")
            assert f"p{one}" in {row.id for row in records.predictions()}

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(records.predictions()) == 8 * 50
    assert len(records.feedback()) == 8 * 25
    assert len(records.history("champion")) == 1


def test_readers_see_batches_whole(records: Records, predicted: Make) -> None:
    over = threading.Event()
    torn = []

    def read() -> None:
        while not over.is_set():
            if len(records.predictions()) % 7:
                torn.append(True)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for first in range(0, 7 * 60, 7):
        records.add_predictions([predicted(number) for number in range(first, first + 7)])
    over.set()
    for reader in readers:
        reader.join()
    assert not torn


def test_records_may_be_closed_while_others_use_them(records: Records, predicted: Make) -> None:
    begun = threading.Barrier(5)

    def write(thread: int) -> int:
        begun.wait()
        for number in range(10_000):
            try:
                records.add_predictions([predicted(100_000 * thread + number)])
            except ValueError:
                return number
        return -1

    with ThreadPoolExecutor(4) as threads:
        written = [threads.submit(write, thread) for thread in range(4)]
        begun.wait()
        time.sleep(0.1)
        records.close()
        count = sum(future.result() for future in written)
    with Records(records.path) as again:
        assert len(again.predictions()) == count


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_was_forked_writes_for_itself(records: Records, predicted: Make, file: Path) -> None:
    context = multiprocessing.get_context("fork")
    closed = context.Event()

    def write() -> None:
        closed.wait(30)
        # The parent took the log with it, so who used its connection would write into a removed file.
        records.add_predictions([predicted(number) for number in range(10, 20)])
        os._exit(0)

    records.add_predictions([predicted(number) for number in range(10)])
    child = context.Process(target=write)
    child.start()
    records.close()
    closed.set()
    child.join()
    assert child.exitcode == 0
    with Records(file) as again:
        assert [row.id for row in again.predictions()] == [f"p{number}" for number in range(20)]


def test_the_turn_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from headstart.records.turn import Turn
import time
with Turn(Path({str(tmp_path / "file")!r}), 1).taken():
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with (
            pytest.raises(Held, match="has been writing for more than 0 s"),
            Turn(tmp_path / "file", 0.1).taken(),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with Turn(tmp_path / "file", 10).taken():
            pass


def test_one_at_a_time_has_the_turn(tmp_path: Path) -> None:
    inside: list[int] = []

    def enter(turn: Turn) -> None:
        for _ in range(50):
            with turn.taken():
                inside.append(1)
                assert len(inside) == 1
                time.sleep(0.0002)
                inside.pop()

    shared = Turn(tmp_path / "file", 30)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(enter, [shared, shared, Turn(tmp_path / "file", 30), Turn(tmp_path / "file", 30)]))
