"""Many fits, each a line of a file: one that is there already is not run again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import headstart as hs

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One fit.

    Attributes:
        set: name of the data set.
        data: where it lies.
        model: None is the usual one.
        technique: None is the usual one.
        size: examples a class for training and validation; 0 is all.
        time_limit: seconds; None is no limit.
        seed: of everything random.
    """

    set: str
    data: str
    model: str | None = None
    technique: str | None = None
    size: int = 0
    time_limit: float | None = None
    seed: int = 0

    @property
    def key(self) -> Record:
        """What tells it from other fits; where the data lies does not matter."""
        return {name: value for name, value in asdict(self).items() if name != "data"}


def records_of(file: Path) -> list[Record]:
    """All that were run and written to a file."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


def run(
    cells: Iterable[Cell], file: Path, fit: Callable[[Cell], Mapping[str, Any]] | None = None
) -> list[Record]:
    """The records of all cells; those that a file lacks are run, and written there at once.

    Args:
        cells: to be run.
        file: of the records.
        fit: gives what is new in a record; None is headstart's own fit.
    """
    records = records_of(file)
    found = []
    for cell in cells:
        record = next((one for one in records if cell.key.items() <= one.items()), None)
        if record is None:
            record = {**cell.key, **(fit or _fitted)(cell)}
            with file.open("a") as stream:
                print(json.dumps(record), file=stream)
            print(json.dumps(record), file=sys.stderr, flush=True)
        found.append(record)
    return found


def _fitted(cell: Cell) -> Mapping[str, Any]:
    """One fit, from nothing: what an earlier one kept is not found."""
    with TemporaryDirectory() as folder:
        run = hs.fit(
            cell.data,
            model=cell.model,
            technique=cell.technique,
            time_limit=cell.time_limit,
            seed=cell.seed,
            out=Path(folder) / "run",
            settings={"cache.path": str(Path(folder) / "cache")},
        )
    result = run.result
    metric = result["metric"]
    probe = result["baselines"].get("linear_probe", {}).get("test")
    return {
        "metric": metric,
        "val": run.val.metrics[metric].value,
        "test": run.test.metrics[metric].value,
        "probe": probe and probe["metrics"][metric]["value"],
        "n_test": run.test.n,
        "returned": result.get("returned"),
        "seconds": result["seconds"]["total"],
    }
