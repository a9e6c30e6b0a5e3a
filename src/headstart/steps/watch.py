"""The answers of a service beside those on held-out examples: window by window, recorded, and shown."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart import __version__
from headstart.catalog import TASKS, resolve
from headstart.durable import write_file_durably
from headstart.errors import RequestError, counted
from headstart.monitoring.alarm import ACCURACY, check_alpha, judge, left_out, small_reference
from headstart.monitoring.arrays import comparable
from headstart.monitoring.history import Watched, WatchPage, moment
from headstart.monitoring.late import judge_late
from headstart.monitoring.lot import Lot
from headstart.monitoring.page import render
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample
from headstart.monitoring.sentences import headline, lead, next_steps, rang
from headstart.monitoring.usual import ALPHA, WINDOW
from headstart.records.records import Records
from headstart.records.values import Predicted, Version, Window
from headstart.steps.service import ServiceFolder, champion_of, said_in, service_folder
from headstart.steps.to_label import write_to_label

__all__ = ["ALPHA", "WINDOW", "Look", "look"]

# Windows that the page shows, and to which labels may still come, at most.
SHOWN = 200


@dataclass(frozen=True)
class Look:
    """What a look at a service found.

    Attributes:
        version: that answers.
        windows: that were judged now, oldest first.
        labelled: that were judged before, and have had their accuracy tested now: their labels have come.
        waiting: predictions that no window has had yet.
        left_out: predictions that no window has had yet and that cannot be compared.
        page: for people; None where no window has ever been judged.
    """

    version: Version
    windows: tuple[Watched, ...]
    labelled: tuple[Watched, ...]
    waiting: int
    left_out: int
    page: Path | None

    @property
    def alarm(self) -> bool:
        """Whether any of these windows rang, now."""
        return any(window.alarm for window in self.windows) or bool(self.late)

    @property
    def late(self) -> tuple[Watched, ...]:
        """The windows that the labels that came later made ring."""
        return tuple(window for window in self.labelled if window.rang(ACCURACY))

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "version": self.version.number,
            "alarm": self.alarm,
            "windows": [window.state() for window in self.windows],
            "labelled": [window.state() for window in self.labelled],
            "waiting": self.waiting,
            "left_out": self.left_out,
            "page": self.page and str(self.page),
        }

    def lines(self, size: int) -> list[str]:
        """What was found, in words.

        Args:
            size: predictions of a window.
        """
        return [*self._of_labels(), *self._of_windows(size), *self._of_next_steps()]

    def _of_labels(self) -> list[str]:
        if not self.labelled:
            return []
        count = counted(len(self.labelled), "earlier window")
        said = [f"Nearly all labels of {count} have come; {len(self.late)} rang."]
        for window in self.late:
            said.append(f"{moment(window.first)} to {moment(window.last)}. {rang(window, (ACCURACY,))[0]}")
        return said

    def _of_windows(self, size: int) -> list[str]:
        broken = self.left_out + sum(window.judged["left_out"] for window in self.windows)
        notes = [left_out(broken)] if broken else []
        if not self.windows:
            waiting = (
                f"{self.waiting} of {counted(size, 'prediction')} since the last window: too few to look."
            )
            return [f"{waiting} --now looks at them all the same.", *notes]
        latest = self.windows[-1]
        rung = sum(window.alarm for window in self.windows)
        head = f"{counted(len(self.windows), 'window')} judged, {rung} rang." if len(self.windows) > 1 else ""
        notes.append(small_reference(latest.judged["n_reference"]))
        return [line for line in (head, f"{headline(latest)}.", lead(latest), *rang(latest), *notes) if line]

    def _of_next_steps(self) -> list[str]:
        about = [*self.late, *self.windows][-1:]
        return [f"Next: {step}" for window in about for step in next_steps(window, self.windows)]


def look(path: Path, *, size: int = WINDOW, alpha: float = ALPHA, now: bool = False) -> Look:
    """Judge the predictions that came since the last look, window by window, and labels that came later.

    Every prediction is in one window, whatever the clock says and whoever else is looking.

    Args:
        path: of the service.
        size: predictions of a window; what is left over waits for more.
        alpha: the share of windows without any change that may ring.
        now: whether to judge what is left over as well.

    Raises:
        RequestError: there is no service, or nothing to compare its answers with.
    """
    check_alpha(alpha)
    folder = service_folder(path)
    with Records(folder.records, create=False) as records:
        version = champion_of(records, path)
        reference = _reference(folder, version)
        labelled = _judged_late(records, version, reference)
        found = []
        while True:
            batch = _next(records, version, size)
            if len(batch.rows) < size and not (now and batch.rows):
                break
            window = _judged(records, version, reference, batch, alpha=alpha)
            # Where another look was first, this one goes on behind it.
            if records.add_window(window):
                found.append(window)
        result = Look(
            version=version,
            windows=tuple(map(_watched, found)),
            labelled=tuple(map(_watched, labelled)),
            waiting=len(batch.rows),
            left_out=batch.left_out,
            page=None,
        )
        return replace(result, page=_shown(folder, records, result))


@dataclass(frozen=True)
class _Batch:
    """Predictions that follow each other.

    Attributes:
        rows: those that can be compared.
        left_out: how many cannot.
        numbers: of the first and the last of all; empty where there are none.
    """

    rows: tuple[Predicted, ...]
    left_out: int
    numbers: tuple[int, ...]


def _next(records: Records, version: Version, size: int) -> _Batch:
    """The predictions after the last window, so many that can be compared, or all."""
    last = records.looked_at(version.number)
    rows: list[Predicted] = []
    numbers: list[int] = []
    while len(rows) < size:
        some = records.predictions(version=version.number, after=last, most=size - len(rows))
        if not some:
            break
        rows += [row for row in some if comparable(row.scores, row.features)]
        numbers += [row.number for row in some]
        last = numbers[-1]
    return _Batch(tuple(rows), len(numbers) - len(rows), tuple(numbers[:1] + numbers[-1:]))


def _judged(
    records: Records, version: Version, reference: Reference, batch: _Batch, *, alpha: float
) -> Window:
    rows, (first, last) = batch.rows, batch.numbers
    right = _right(records, version, first, last)
    features = [row.features for row in rows]
    inputs = tuple(row.input_hash for row in rows)
    sample = Sample(
        scores=np.asarray([row.scores for row in rows], dtype=np.float32),
        features=None if any(one is None for one in features) else np.stack(features),  # type: ignore[arg-type]
        inputs=inputs,
        correct=tuple(right.get(name) for name in inputs),
        lot=Lot.of(inputs, first),
        left_out=batch.left_out,
    )
    judged = judge(reference, sample, alpha=alpha)
    return Window(
        version=version.number,
        at=time.time(),
        first=rows[0].at,
        last=rows[-1].at,
        first_number=first,
        last_number=last,
        n=len(rows),
        alarm=judged.alarm,
        settled=any(one.kind == ACCURACY for one in judged.findings),
        findings=judged.state(),
    )


def _judged_late(records: Records, version: Version, reference: Reference) -> list[Window]:
    """The earlier windows of which nearly all labels have come since, with what these show."""
    found = []
    for window in records.windows(version.number, last=SHOWN):
        if window.settled:
            continue
        right = _right(records, version, window.first_number, window.last_number)
        judged = judge_late(window.findings, right, reference)
        if judged is None:
            continue
        rang = any(one["kind"] == ACCURACY and one["alarm"] for one in judged["findings"])
        changed = replace(
            window,
            at=time.time() if rang else window.at,
            alarm=judged["alarm"],
            settled=True,
            findings=judged,
        )
        if records.settle_window(changed):
            found.append(changed)
    return found


def _right(records: Records, version: Version, first: int, last: int) -> dict[str, bool]:
    """Whether the answer was, of each input with a label: by the last that was said to be predicted.

    Args:
        records: of the service.
        version: that answered.
        first, last: numbers of the first and the last prediction.
    """
    return {
        row.input_hash: said_in(row, version) == set(said.labels)
        for row, said in records.feedback(version=version.number, after=first - 1, until=last)
        if comparable(row.scores, row.features)
    }


def _reference(folder: ServiceFolder, version: Version) -> Reference:
    if not resolve("task", version.task, TASKS).probed:
        raise RequestError(
            f"{folder.path}: version {version.number} is a model for {version.task}, which is not watched.",
            "Only classifiers of images and texts are.",
        )
    file = folder.reference(version.number)
    if not file.is_file():
        raise RequestError(
            f"{folder.path}: nothing is kept to compare the answers of version {version.number} with.",
            "Serve the run folder of a classifier, with its data in place: its test examples are asked.",
        )
    return Reference.load(file)


def _watched(window: Window) -> Watched:
    return Watched(window.at, window.first, window.last, window.findings)


def _shown(folder: ServiceFolder, records: Records, found: Look) -> Path | None:
    """The page, and beside it the list of what is to be labelled; None where there is nothing to show."""
    windows = records.windows(found.version.number, last=SHOWN)
    if not windows:
        return None
    if found.windows or found.labelled or not folder.page.is_file():
        page = WatchPage(
            folder.path.resolve().name,
            f"version {found.version.number} ({found.version.path})",
            tuple(map(_watched, windows)),
            __version__,
            about=found.late[-1] if found.late else None,
        )
        write_file_durably(folder.page, render(page).encode())
    write_to_label(folder.path, records, found.version, windows[-1])
    return folder.page
