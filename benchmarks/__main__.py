"""``python -m benchmarks``: measure, print how the contestants compare, write results and table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import data, rivals, serving, startup, texts
from benchmarks.fits import (
    Examples,
    Setting,
    job_of,
    measure_row,
    profile_row,
    save_weights,
    text_encoder,
)
from benchmarks.harness import ROOT, ContestantFailed, interleave
from benchmarks.machine import machine, versions
from benchmarks.results import lines, read, record, table
from benchmarks.rows import OPTIONAL, RIVALS, ROWS, Row

RESULTS = ROOT / "benchmarks" / "results"
GENERATED, QUICK, WARM_UP = {"photos": 1500, "texts": 600}, 90, 30  # examples
GENERATED_SET, OWN = "generated", {"photos": "photographs", "texts": "texts"}
COUNTS = {"photos": data.count, "texts": texts.count}


def main() -> int:
    """Measure what was asked for; 0 where all took part but the rivals that are optional."""
    options = _options()
    results = RESULTS / "quick" if options.quick else RESULTS
    results.mkdir(parents=True, exist_ok=True)
    missing = set()
    with TemporaryDirectory() as folder:
        for row in _measured(options, Path(folder), results):
            (results / f"{row['name']}.json").write_text(json.dumps(row, indent=2) + "\n")
            print(*lines(row), sep="\n", flush=True)
            missing |= set(row["left_out"]) - set(OPTIONAL)
    (results / "table.md").write_text(table(read(results, _names())))
    return 1 if missing else 0


def _measured(options: argparse.Namespace, folder: Path, results: Path) -> Iterator[dict[str, Any]]:
    """The rows, each as soon as it is measured."""
    facts: dict[str, Any] = {"device": options.device, "machine": machine(options.device)}
    if options.only in (None, startup.NAME) and options.device == "cpu":
        about = {"name": startup.NAME, "title": startup.TITLE, "photos": "—", **facts}
        yield record(interleave(startup.contestants(), startup.ROUNDS), startup.COMPARISONS, about)
    if options.only in (None, serving.NAME) and options.device == "cpu":
        about = {"name": serving.NAME, "title": serving.TITLE, "photos": serving.ASKED, **facts}
        with serving.contestants(folder / "serving") as both:
            yield record(interleave(both, options.rounds or serving.ROUNDS), serving.COMPARISONS, about)
    rows = [row for row in ROWS if options.only in (None, row.name)]
    if not rows:
        return
    python, left_out = _rivals() if options.rivals else (None, {})
    if python:
        facts["rivals"] = versions(rivals.NAMES, python)
    setting = Setting(
        device=options.device,
        rounds=options.rounds or (1 if options.quick else 3),
        seeds=not options.quick,
        whole=options.whole,
        weights={"photos": save_weights(folder / "weights.pt"), "texts": text_encoder()},
        warm_up={
            "photos": data.divide(data.generate(folder / "few", WARM_UP), folder / "warm-up"),
            "texts": texts.generate(folder / "few-texts", WARM_UP),
        },
        rivals=python,
    )
    for row in rows:
        for examples in _examples(row, options, folder):
            print(f"{row.title}, {examples.title}", file=sys.stderr, flush=True)
            measured = measure_row(row, examples, setting)
            if row.kind == "photos":
                measured.left_out |= left_out
            about = {
                "name": _name(row.name, examples.name, options.device),
                "title": row.title,
                "photos": examples.title,
                "counts": COUNTS[row.kind](examples.folder),
                "epochs": row.epochs,
                "measured": job_of(row, examples, setting).measured,
                **facts,
            }
            yield record(measured, row.comparisons, about)
            if options.profile and row.contestants[0] not in measured.left_out:
                profile_row(row, examples, setting, results / f"{about['name']}-profile.txt")


def _examples(row: Row, options: argparse.Namespace, folder: Path) -> Iterator[Examples]:
    """The generated set of a row, and the user's own where there is one; each is made once."""
    own = {"photos": options.photos, "texts": options.texts}[row.kind]
    count = QUICK if options.quick else row.most or GENERATED[row.kind]
    folder = folder / f"{row.kind}-{row.most or 'all'}"
    generated = folder / "generated"
    if row.kind == "texts":
        if not generated.exists():
            texts.generate(generated, count)
    elif not generated.exists():
        data.divide(data.generate(folder / "files", count), generated)
    yield Examples(row.kind, GENERATED_SET, f"{count} generated", generated)
    if own is None:
        print(f"No {row.kind} of yours: --{row.kind} names them.", file=sys.stderr)
        return
    divided = folder / "own"
    if not divided.exists():
        if row.kind == "texts":
            texts.divide(own, divided, QUICK if options.quick else row.most)
        else:
            data.divide(own, divided)
    many = sum(COUNTS[row.kind](divided).values())
    yield Examples(row.kind, row.kind, f"{many} {OWN[row.kind]}", divided)


def _rivals() -> tuple[Path | None, Mapping[str, str]]:
    """The interpreter that has them, or why there is none."""
    try:
        return rivals.environment(), {}
    except ContestantFailed as error:
        return None, dict.fromkeys(RIVALS, f"not installed: {error}")


def _name(row: str, examples: str, device: str) -> str:
    return f"{row}-{examples}" if device == "cpu" else f"{row}-{examples}-{device}"


def _names() -> list[str]:
    """Of all files of results, in the order of the table."""
    fits = [
        _name(row.name, examples, device)
        for device in ("cpu", "cuda")
        for row in ROWS
        for examples in (GENERATED_SET, row.kind)
    ]
    return [*fits, serving.NAME, startup.NAME]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    alone = [*(row.name for row in ROWS), serving.NAME, startup.NAME]
    parser.add_argument("--only", choices=alone, help="one row")
    parser.add_argument("--rounds", type=int, help="how often all run; 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="few photos and one round, to see that all runs")
    parser.add_argument("--whole", action="store_true", help="the loops run every epoch, nothing is scaled")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="class folders of photographs, too")
    parser.add_argument("--texts", type=Path, metavar="CSV", help="a table with columns text and label, too")
    parser.add_argument("--rivals", action="store_true", help="fastai and Hugging Face's Trainer, too")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--profile", action="store_true", help="write where headstart spends its time, too")
    options = parser.parse_args()
    if options.photos and not options.photos.is_dir():
        parser.error(f"--photos: no folder '{options.photos}'")
    if options.texts and not options.texts.is_file():
        parser.error(f"--texts: no file '{options.texts}'")
    return options


if __name__ == "__main__":
    sys.exit(main())
