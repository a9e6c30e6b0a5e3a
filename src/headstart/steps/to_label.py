"""What people are asked to label: predictions that were drawn by lot and have no label yet."""

from __future__ import annotations

import csv
import io

from headstart.monitoring.arrays import comparable
from headstart.monitoring.history import moment
from headstart.monitoring.lot import Lot
from headstart.records.records import Records
from headstart.records.values import Predicted, Version, Window
from headstart.steps.service import said_by

COLUMNS = ("id", "at", "input", "answer")


def to_label_csv(records: Records, version: Version, window: Window) -> str:
    """A row a prediction: its id, when it was made, the sha256 of its input, and what was answered.

    Of predictions of one input the first stands for all.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _to_label(records, version, window):
        said = said_by(row.label, dict(zip(version.labels, row.scores, strict=True)))
        answer = "|".join(name for name in version.labels if name in said)
        writer.writerow((row.id, moment(row.at), row.input_hash, answer))
    return file.getvalue()


def _to_label(records: Records, version: Version, window: Window) -> list[Predicted]:
    """Nothing of a window that is settled."""
    if window.settled:
        return []
    lot = Lot.from_state(window.findings["lot"])
    before = window.first_number - 1
    said = records.feedback(version=version.number, after=before, until=window.last_number)
    labelled = {row.input_hash for row, _ in said}
    there = records.predictions(
        version=version.number, after=before, most=window.last_number - window.first_number + 1
    )
    drawn: dict[str, Predicted] = {}
    for row in there:
        if (
            row.number <= window.last_number
            and row.input_hash in lot
            and comparable(row.scores, row.features)
        ):
            drawn.setdefault(row.input_hash, row)
    return [row for name, row in drawn.items() if name not in labelled]
