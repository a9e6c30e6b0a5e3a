"""The benchmarks hold together: contestants exist, ratios are right, and the table says what was measured."""

import ast
import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the package

from benchmarks import crossover, data, equal_time, grid, regret, results, sets, texts
from benchmarks.harness import Comparison, ContestantFailed, called, interleave, ratios, spread
from benchmarks.job import Job, Outcome, outcome
from benchmarks.machine import machine
from benchmarks.rows import RIVALS, ROWS

FOLDER = ROOT / "benchmarks"
CONTESTANTS = FOLDER / "contestants"
ELSEWHERE = {f"{name}.py" for name in RIVALS}  # what they import is not installed here
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in [*FOLDER.glob("*.py"), *CONTESTANTS.glob("*.py")]
    if file.name not in ELSEWHERE
)
TEN_TIMES = Comparison("plain loop", "headstart", at_least=10)
JOB = Job(
    data="photos",
    weights="weights.pt",
    trained="head",
    augmented=False,
    epochs=20,
    measured=2,
    lr=1e-3,
    batch_size=32,
    device="cpu",
    threads=2,
)


def row_of(measured, *comparisons):
    about = {"title": "head alone", "photos": "some", "epochs": 20, "measured": 2, "machine": machine("cpu")}
    return results.record(measured, comparisons, about)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_the_benchmarks_imports(module):
    importlib.import_module(module)


def test_every_contestant_of_a_row_is_a_file_that_can_run():
    for name in {*RIVALS, *(name for row in ROWS for name in row.contestants)}:
        tree = ast.parse((CONTESTANTS / f"{name}.py").read_text())
        assert "run" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_ratio_is_that_of_one_round_so_a_machine_that_slows_down_changes_none():
    rounds = [{"headstart": 2.0 * slow, "plain loop": 30.0 * slow} for slow in (1, 3, 7)]
    assert ratios(rounds, TEN_TIMES) == [15.0, 15.0, 15.0]


def test_a_spread_is_the_median_and_both_ends():
    middle = spread([5.0, 1.0, 2.0])
    assert (middle.median, middle.low, middle.high) == (2.0, 1.0, 5.0)


def test_a_goal_has_a_direction():
    assert TEN_TIMES.met(10) and not TEN_TIMES.met(9.9)
    ceiling = Comparison("headstart", "one pass", at_most=1.5)
    assert ceiling.met(1.5) and not ceiling.met(1.6)
    assert Comparison("fastai", "headstart").met(3) is None


def test_contestants_take_turns_and_one_that_fails_is_left_out():
    turns = []

    def contestant(name, failing_from):
        def turn(number):
            turns.append(name)
            if turns.count(name) >= failing_from:
                raise ContestantFailed("out of memory")
            return Outcome({name: 1.0}, accuracy=0.5)

        return turn

    measured = interleave({"a": contestant("a", 9), "b": contestant("b", 2)}, rounds=3)
    assert turns == ["a", "b", "a", "b", "a"]
    assert measured.rounds == [{"a": 1.0, "b": 1.0}, {"a": 1.0}, {"a": 1.0}]
    assert measured.accuracy == {"a": [0.5] * 3, "b": [0.5]}
    assert measured.left_out == {"b": "out of memory"}
    assert ratios(measured.rounds, Comparison("a", "b")) == [1.0]


def test_a_process_that_fails_says_why():
    with pytest.raises(ContestantFailed, match="ValueError: no photos"):
        called([sys.executable, "-c", "raise ValueError('no photos')"])


def test_epochs_that_were_not_run_are_counted_and_give_no_accuracy():
    part = outcome(JOB, name="loop", total=7.0, training=4.0, accuracy=0.9)
    assert part == Outcome({"loop": 43.0, "loop, training": 40.0}, accuracy=None)
    whole = outcome(replace(JOB, measured=20), name="loop", total=7.0, training=4.0, accuracy=0.9)
    assert whole == Outcome({"loop": 7.0, "loop, training": 4.0}, accuracy=0.9)


def test_the_table_has_every_comparison_with_times_accuracy_and_goal():
    ours, plain = Outcome({"headstart": 2.0}, 0.9), Outcome({"plain loop": 3000.0})
    turns = {"ours": lambda number: ours, "plain": lambda number: plain}
    measured = interleave(turns, rounds=2)
    measured.left_out["fastai"] = "no network"
    row = row_of(measured, TEN_TIMES, Comparison("fastai", "headstart"))
    lines = results.table([row, row]).splitlines()
    assert lines[2] == (
        "| head alone | some | plain loop: 3,000 (3,000 to 3,000) s | headstart: 2 (2 to 2) s, 90.0% right "
        "| 1,500 (1,500 to 1,500) | ≥ 10: met |"
    )
    assert "fastai was left out: no network" in lines[-2]
    assert "ran 2 epochs, which were scaled to 20" in lines[-3]
    assert sum("Measured on" in line for line in lines) == 1


def test_results_are_read_as_they_were_written(tmp_path):
    row = row_of(interleave({"ours": lambda number: Outcome({"headstart": 2.0}, 0.9)}, rounds=1), TEN_TIMES)
    (tmp_path / "frozen.json").write_text(json.dumps(row))
    assert results.read(tmp_path, ["frozen", "full"]) == [row]


def test_generated_photos_are_the_same_every_time_and_no_two_alike(tmp_path):
    one, other = (data.generate(tmp_path / name, 6) for name in ("one", "other"))
    files = {file.relative_to(one): file.read_bytes() for file in one.rglob("*.jpg")}
    assert len(set(files.values())) == 6
    assert all((other / name).read_bytes() == content for name, content in files.items())


def test_photos_are_divided_once_into_parts_that_share_none(tmp_path):
    photos = data.generate(tmp_path / "photos", 60)
    divided = data.divide(photos, tmp_path / "divided")
    assert data.count(divided) == {"train": 42, "val": 9, "test": 9}
    contents = [file.read_bytes() for file in divided.rglob("*.jpg")]
    assert len(contents) == len(set(contents)) == 60
    assert {folder.name for folder in (divided / "test").iterdir()} == set(data.DEGREES)


def test_generated_texts_are_the_same_every_time_of_very_different_length_and_divided_once(tmp_path):
    one, other = (texts.generate(tmp_path / name, 60) for name in ("one", "other"))
    assert all(
        (one / f"{part}.csv").read_bytes() == (other / f"{part}.csv").read_bytes() for part in data.SHARES
    )
    assert texts.count(one) == {"train": 42, "val": 9, "test": 9}
    lengths = [len(text.split()) for text, _ in texts.read(one, "train")]
    assert max(lengths) > 5 * min(lengths)
    assert {label for _, label in texts.read(one, "train")} == set(texts.TOPICS)


def test_a_table_of_texts_is_divided_once_into_parts_that_share_none(tmp_path):
    table = tmp_path / "reviews.csv"
    table.write_text("label,text\n" + "".join(f"good,review {number}\n" for number in range(40)))
    divided = texts.divide(table, tmp_path / "divided", most=20)
    rows = [row for part in data.SHARES for row in texts.read(divided, part)]
    assert len(rows) == len(set(rows)) == 20


def test_an_accuracy_that_varies_by_seed_is_shown_with_its_ends():
    turns = {"ours": lambda seed: Outcome({"headstart": 2.0}, 0.9 + seed / 100)}
    row = row_of(
        interleave({**turns, "plain": lambda seed: Outcome({"plain loop": 6.0})}, rounds=3), TEN_TIMES
    )
    assert "headstart: 2 (2 to 2) s, 91.0% (90.0 to 92.0) right" in results.table([row])


@pytest.mark.slow
def test_the_measurement_of_scale_runs_from_images_to_a_file(tmp_path):
    asked = ["--count", "300", "--folder", tmp_path / "images", "--out", tmp_path / "scale.json"]
    subprocess.run([sys.executable, FOLDER / "scale.py", *map(str, asked)], check=True)
    measured = json.loads((tmp_path / "scale.json").read_text())
    assert [row["count"] for row in measured["rows"]] == [30, 300]
    assert measured["rows"][-1]["accuracy"] > 0.5


def test_a_fit_that_was_run_is_not_run_again(tmp_path, monkeypatch):
    ran = []

    def fitted(cell):
        ran.append(cell)
        return {**cell.key, "test": 0.5}

    monkeypatch.setattr(grid, "_fitted", fitted)
    file, cells = tmp_path / "grid.jsonl", [grid.Cell("a", "here", seed=seed) for seed in range(3)]
    first = grid.run(cells[:2], file)
    moved = [replace(cell, data="elsewhere") for cell in cells]
    assert grid.run(moved, file)[:2] == first
    assert [cell.seed for cell in ran] == [0, 1, 2]
    assert len(grid.records_of(file)) == 3


def test_the_table_of_techniques_has_seeds_that_all_of_them_have():
    records = [
        {"set": "a", "size": 5, "technique": name, "seed": seed, "test": 0.5 + 0.1 * place, "seconds": 2.0}
        for place, name in enumerate(crossover.TECHNIQUES)
        for seed in (0, 1)
        if not (name == "full" and seed == 1)
    ]
    rows = crossover.table(records).splitlines()
    assert rows[2] == "| a | 5 | 1 | 50.0 | 60.0 | 70.0 | 80.0 | 90.0 | +10.0 |"
    assert crossover.table(records[:3]) == "Nothing is complete yet."


def test_techniques_are_drawn_where_all_have_a_set(tmp_path):
    records = [
        {"set": name, "size": size, "technique": way, "seed": 0, "test": 0.5, "seconds": 2.0}
        for name in ("a", "b")
        for size in (5, 0)
        for way in crossover.TECHNIQUES
        if not (name == "b" and way == "auto")
    ]
    crossover.picture(records, tmp_path / "drawn.png")
    whole = (tmp_path / "drawn.png").stat().st_size
    crossover.picture([one for one in records if one["set"] == "a"], tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").stat().st_size == whole > 5000


def test_accuracies_at_equal_time_stand_side_by_side():
    own = {"set": "a", "size": 20, "time_limit": 90.0, "technique": None, "probe": 0.6}
    records = [
        {**own, "seed": 0, "test": 0.7},
        {**own, "seed": 1, "test": 0.8},
        {**own, "seed": 0, "technique": "fastai", "probe": None, "test": 0.5},
    ]
    assert equal_time.table(records).splitlines()[2] == "| a | 20 | 90 s | 2 | 75.0 | 60.0 | 50.0 |  |  |"


def test_regret_is_what_the_best_model_scores_above_the_chosen_one():
    ranking = [
        {"name": name, "expected": expected, "prior": 0.5, "probe": {"value": expected}, "log_me": 0.0}
        | {"neighbours": None}
        for name, expected in (("one", 0.9), ("two", 0.8), ("three", 0.7))
    ]
    scores = {"one": (0.5, 0.6), "two": (0.7, 0.8), "three": (0.9, 0.9)}
    fits = [{"set": "a", "model": name, "val": val, "test": test} for name, (val, test) in scores.items()]
    rows = regret._table({"a": ranking}, fits).splitlines()
    assert rows[2] == "| prior and probe, the first two raced | 10.0 | 10.0 |"
    assert rows[3] == "| prior and probe | 30.0 | 30.0 |"


@pytest.mark.parametrize("name", ["digits", "docstrings"])
def test_a_set_of_packages_has_other_examples_to_test_on_than_to_learn_from(name, tmp_path):
    folder = sets.write(name, tmp_path / name)
    if name == "docstrings":
        train, test = (
            set((folder / f"{part}.csv").read_text().splitlines()[1:]) for part in ("train", "test")
        )
    else:
        train, test = (
            {file.read_bytes() for file in (folder / part).rglob("*.png")} for part in ("train", "test")
        )
    assert train and test
    assert train.isdisjoint(test)
