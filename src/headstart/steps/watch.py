"""The answers of a service beside those on held-out examples: window by window, recorded, and shown."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart import __version__
from headstart.durable import write_file_durably
from headstart.errors import RequestError, counted
from headstart.monitoring.alarm import judge
from headstart.monitoring.history import Watched, WatchPage
from headstart.monitoring.page import render
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample
from headstart.monitoring.sentences import headline, lead, next_steps, rang
from headstart.records.records import Records
from headstart.records.values import Feedback, Predicted, Version, Window
from headstart.steps.service import ServiceFolder, champion_of, said_by, service_folder

WINDOW, ALPHA = 200, 0.01
# Windows that the page shows, at most.
SHOWN = 200


@dataclass(frozen=True)
class Look:
    """What a look at a service found.

    Attributes:
        version: that answers.
        windows: that were judged now, oldest first.
        waiting: predictions that no window has had yet.
        page: for people; None where no window has ever been judged.
    """

    version: Version
    windows: tuple[Watched, ...]
    waiting: int
    page: Path | None

    @property
    def alarm(self) -> bool:
        """Whether any of these windows rang."""
        return any(window.alarm for window in self.windows)

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "version": self.version.number,
            "alarm": self.alarm,
            "windows": [
                {"at": one.at, "first": one.first, "last": one.last, **one.judged} for one in self.windows
            ],
            "waiting": self.waiting,
            "page": self.page and str(self.page),
        }

    def lines(self, size: int) -> list[str]:
        """What was found, in words.

        Args:
            size: predictions of a window.
        """
        if not self.windows:
            return [
                f"{self.waiting} of {counted(size, 'prediction')} since the last window: too few to look. "
                "--now looks at them all the same."
            ]
        latest = self.windows[-1]
        rung = sum(window.alarm for window in self.windows)
        head = f"{counted(len(self.windows), 'window')} judged, {rung} rang." if len(self.windows) > 1 else ""
        return [line for line in (head, headline(latest) + ".", lead(latest), *rang(latest)) if line] + [
            f"Next: {step}" for step in next_steps(self.windows)
        ]


def look(path: Path, *, size: int = WINDOW, alpha: float = ALPHA, now: bool = False) -> Look:
    """Judge the predictions that came since the last look, window by window.

    Args:
        path: of the service.
        size: predictions of a window; what is left over waits for more.
        alpha: the share of windows without any change that may ring.
        now: whether to judge what is left over as well.

    Raises:
        RequestError: there is no service, or nothing to compare its answers with.
    """
    folder = service_folder(path)
    with Records(folder.records, create=False) as records:
        version = champion_of(records, path)
        reference = _reference(folder, version)
        before = records.windows(version.number)
        last = before[-1].last if before else 0.0
        waiting = [one for one in records.predictions(version=version.number, since=last) if one.at > last]
        truth = {one.prediction: one for _, one in records.feedback(version=version.number, since=last)}
        whole = len(waiting) - len(waiting) % size
        groups = [waiting[start : start + size] for start in range(0, whole, size)]
        if now and waiting[whole:]:
            groups.append(waiting[whole:])
            whole = len(waiting)
        found = []
        for rows in groups:
            judged = judge(reference, _sample(rows, truth, version), alpha=alpha).state()
            window = Window(
                version=version.number,
                at=time.time(),
                first=rows[0].at,
                last=rows[-1].at,
                n=len(rows),
                alarm=judged["alarm"],
                findings=judged,
            )
            records.add_window(window)
            found.append(window)
    shown = [_watched(window) for window in (*before, *found)][-SHOWN:]
    return Look(
        version=version,
        windows=tuple(map(_watched, found)),
        waiting=len(waiting) - whole,
        page=_paged(folder, version, shown),
    )


def _reference(folder: ServiceFolder, version: Version) -> Reference:
    file = folder.reference(version.number)
    if not file.is_file():
        raise RequestError(
            f"{folder.path}: nothing is kept to compare the answers of version {version.number} with.",
            "Serve the run folder of a classifier, with its data in place: its test examples are asked.",
        )
    return Reference.load(file)


def _sample(rows: Sequence[Predicted], truth: Mapping[str, Feedback], version: Version) -> Sample:
    features = [row.features for row in rows]
    return Sample(
        scores=np.asarray([row.scores for row in rows], dtype=np.float32),
        features=None if any(one is None for one in features) else np.stack(features),  # type: ignore[arg-type]
        inputs=tuple(row.input_hash for row in rows),
        correct=tuple(_right(row, truth.get(row.id), version) for row in rows),
    )


def _right(row: Predicted, said: Feedback | None, version: Version) -> bool | None:
    """Whether an answer was right; None where nobody said."""
    if said is None:
        return None
    return said_by(row.label, dict(zip(version.labels, row.scores, strict=True))) == set(said.labels)


def _watched(window: Window) -> Watched:
    return Watched(window.at, window.first, window.last, window.findings)


def _paged(folder: ServiceFolder, version: Version, shown: Sequence[Watched]) -> Path | None:
    if not shown:
        return None
    page = WatchPage(
        folder.path.resolve().name, f"version {version.number} ({version.path})", shown, __version__
    )
    write_file_durably(folder.page, render(page).encode())
    return folder.page
