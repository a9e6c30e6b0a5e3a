"""``python -m benchmarks``: measure, print how the contestants compare, write results and table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import data, rivals, startup
from benchmarks.fits import Photos, Setting, job_of, measure_row, profile_row, save_weights
from benchmarks.harness import ROOT, ContestantFailed, interleave
from benchmarks.machine import machine, versions
from benchmarks.results import lines, read, record, table
from benchmarks.rows import RIVALS, ROWS

RESULTS = ROOT / "benchmarks" / "results"
GENERATED, QUICK, WARM_UP = 1500, 90, 30  # photos
SETS = ("generated", "photos")


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
            missing |= set(row["left_out"]) - set(RIVALS)
    (results / "table.md").write_text(table(read(results, _names())))
    return 1 if missing else 0


def _measured(options: argparse.Namespace, folder: Path, results: Path) -> Iterator[dict[str, Any]]:
    """The rows, each as soon as it is measured."""
    facts: dict[str, Any] = {"device": options.device, "machine": machine(options.device)}
    if options.only in (None, startup.NAME) and options.device == "cpu":
        about = {"name": startup.NAME, "title": startup.TITLE, "photos": "—", **facts}
        yield record(interleave(startup.contestants(), startup.ROUNDS), startup.COMPARISONS, about)
    rows = [row for row in ROWS if options.only in (None, row.name)]
    if not rows:
        return
    python, left_out = _rivals() if options.rivals else (None, {})
    if python:
        facts["rivals"] = versions(rivals.NAMES, python)
    setting = Setting(
        device=options.device,
        rounds=options.rounds or (1 if options.quick else 3),
        whole=options.whole,
        weights=save_weights(folder / "weights.pt"),
        warm_up=data.divide(data.generate(folder / "few", WARM_UP), folder / "warm-up"),
        rivals=python,
    )
    for photos in _photos(options, folder):
        for row in rows:
            print(f"{row.title}, {photos.title}", file=sys.stderr, flush=True)
            measured = measure_row(row, photos, setting)
            measured.left_out |= left_out
            about = {
                "name": _name(row.name, photos.name, options.device),
                "title": row.title,
                "photos": photos.title,
                "counts": data.count(photos.folder),
                "epochs": row.epochs,
                "measured": job_of(row, photos, setting).measured,
                **facts,
            }
            yield record(measured, row.comparisons, about)
            if options.profile and "ours" not in measured.left_out:
                profile_row(row, photos, setting, results / f"{about['name']}-profile.txt")


def _photos(options: argparse.Namespace, folder: Path) -> Iterator[Photos]:
    count = QUICK if options.quick else GENERATED
    generated = data.divide(data.generate(folder / "generated", count), folder / "generated-divided")
    yield Photos(SETS[0], f"{count} generated", generated)
    if options.photos is None:
        print("No photographs: --photos DIR names a folder of class folders.", file=sys.stderr)
        return
    own = data.divide(options.photos, folder / "photos-divided")
    yield Photos(SETS[1], f"{sum(data.count(own).values())} photographs", own)


def _rivals() -> tuple[Path | None, Mapping[str, str]]:
    """The interpreter that has them, or why there is none."""
    try:
        return rivals.environment(), {}
    except ContestantFailed as error:
        return None, dict.fromkeys(RIVALS, f"not installed: {error}")


def _name(row: str, photos: str, device: str) -> str:
    return f"{row}-{photos}" if device == "cpu" else f"{row}-{photos}-{device}"


def _names() -> list[str]:
    """Of all files of results, in the order of the table."""
    fits = [_name(row.name, photos, device) for device in ("cpu", "cuda") for photos in SETS for row in ROWS]
    return [*fits, startup.NAME]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=[row.name for row in ROWS] + [startup.NAME], help="one row")
    parser.add_argument("--rounds", type=int, help="how often all run; 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="few photos and one round, to see that all runs")
    parser.add_argument("--whole", action="store_true", help="the loops run every epoch, nothing is scaled")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="class folders of photographs, too")
    parser.add_argument("--rivals", action="store_true", help="fastai and Hugging Face's Trainer, too")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--profile", action="store_true", help="write where headstart spends its time, too")
    options = parser.parse_args()
    if options.photos and not options.photos.is_dir():
        parser.error(f"--photos: no folder '{options.photos}'")
    return options


if __name__ == "__main__":
    sys.exit(main())
