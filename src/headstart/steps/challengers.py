"""The folders of challengers: what each is trained from, and what was decided about it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from headstart.artifact.run import RunFolder, next_free, read_json, write_json
from headstart.evaluation.succession import Verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.steps.joined import Champion, New, write_joined
from headstart.steps.service import ServiceFolder

# Of decisions about challengers.
KIND = "retrain"
# Beside the challengers, while one is trained: inputs that were kept.
INPUTS = "inputs"
LIMIT = "time_limit"
Outcome = Literal["promoted", "refused"]


@dataclass(frozen=True)
class ChallengerFolder:
    """The files of one challenger, by what they are."""

    path: Path

    @property
    def data(self) -> Path:
        """What it is trained from."""
        return self.path / "data"

    @property
    def run(self) -> RunFolder:
        """Its run."""
        return RunFolder(self.path / "run")

    @property
    def order(self) -> Path:
        """What it is to be; written when the data is there."""
        return self.path / "order.json"

    @property
    def verdict(self) -> Path:
        """The last decision about it, once it is recorded."""
        return self.path / "verdict.json"

    @property
    def finished(self) -> bool:
        """Whether it is trained."""
        return self.run.result.exists()


def folder_for(
    folder: ServiceFolder, known: Champion, new: New, *, instead_of: int, time_limit: float | None
) -> ChallengerFolder:
    """The folder of exactly this challenger, with its data: finished, left half way, or a new one.

    What was left half way of other data is removed.

    Args:
        folder: of the service.
        known: the champion's data.
        new: what comes to it.
        instead_of: the number of the champion.
        time_limit: of the training, in seconds.
    """
    order = {"champion": instead_of, "known": known.digest(), "new": new.digest(), LIMIT: time_limit}
    there = [path for path in folder.retrained.iterdir() if path.is_dir() and path.name != INPUTS]
    places = [ChallengerFolder(path) for path in sorted(there)]
    fitting = [place for place in places if place.order.is_file() and _fits(place, order)]
    # First those that are finished.
    place = min(fitting, key=lambda place: not place.finished, default=None)
    for other in places:
        if other != place and not other.finished:
            shutil.rmtree(other.path)
    if place is None:
        place = ChallengerFolder(next_free(folder.retrained, "challenger"))
        write_joined(place.data, known, new)
    write_json(place.order, order)
    return place


def _fits(place: ChallengerFolder, order: Mapping[str, Any]) -> bool:
    """Whether a challenger is the one that is wanted; one that is not finished may take longer, or less."""
    begun = read_json(place.order)
    return begun == order or (not place.finished and {**begun, LIMIT: order[LIMIT]} == order)


def decision_on(version: Version, found: Verdict) -> Decision:
    """A verdict about a version as a decision, made now."""
    outcome = "promoted" if found.promoted else "refused"
    return Decision(time.time(), KIND, version.number, outcome, found.why, found.state())


def write_verdict(place: ChallengerFolder, decision: Decision) -> None:
    """Write what was recorded about a challenger beside it."""
    write_json(place.verdict, {"at": decision.at, **decision.evidence})


def unwritten(
    records: Records, place: ChallengerFolder, version: Version, outcome: Outcome
) -> Decision | None:
    """The last decision about a challenger, where a process was killed between recording and writing it.

    Args:
        records: of the service.
        place: of the challenger.
        version: the challenger's.
        outcome: that it must have: where the champion is another than it would be, it does not hold.
    """
    decided = [one for one in records.decisions() if one.kind == KIND and one.version == version.number]
    if not decided or decided[-1].outcome != outcome:
        return None
    last = decided[-1]
    there = place.verdict.is_file() and read_json(place.verdict).get("at", last.at) == last.at
    return None if there else last
