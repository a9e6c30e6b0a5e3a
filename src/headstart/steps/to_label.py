"""What people are asked to label: predictions that were drawn by lot and have no label yet.

They find it in a table and, of inputs that are files, in a folder beside it; the labels come back as a table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from headstart.artifact.bundle import load_bundle
from headstart.data.delimited import read_delimited
from headstart.data.table import Table
from headstart.durable import remove_folder, write_file_durably
from headstart.errors import DataError, did_you_mean, first_of
from headstart.monitoring.arrays import comparable
from headstart.monitoring.history import moment
from headstart.monitoring.lot import Lot
from headstart.monitoring.sentences import TO_LABEL
from headstart.records.records import Records
from headstart.records.values import Predicted, Version, Window
from headstart.steps.joined import suffix_of
from headstart.steps.service import said_in, service_folder

ID, LABEL = "id", "label"
COLUMNS = (ID, "at", "input", "answer", LABEL)
# The folder of the inputs that are files.
FILES = "to_label"
# Between the labels of one input.
SIGN = "|"
# Predictions that are read at a time.
PAGE = 1000


def write_to_label(folder: Path, records: Records, version: Version, window: Window) -> None:
    """Write a row a prediction: its id, when it was made, its input, what was answered, room for the label.

    Of predictions of one input the first stands for all. What was written before is replaced.

    Args:
        folder: of the service; the table lies there, and the files in a folder beside it.
        records: of the service.
        version: that answered.
        window: of its predictions.

    Raises:
        DiskFull: there is no room.
    """
    with suppress(FileNotFoundError):
        remove_folder(folder / FILES)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _to_label(records, version, window):
        said = said_in(row, version)
        answer = SIGN.join(name for name in version.labels if name in said)
        writer.writerow((row.id, moment(row.at), _shown(folder, records, row), answer, ""))
    write_file_durably(folder / TO_LABEL, file.getvalue().encode(errors="replace"))


def take_labels(path: Path, table: Path) -> int:
    """Write down what a table says is right, as if each label had come to a running service.

    Rows without a label are passed over. Either all others are taken, or none.

    Args:
        path: of the service.
        table: with the columns id and label; several labels of one input are separated by "|".

    Returns:
        How many labels were taken.

    Raises:
        RequestError: there is no service.
        DataError: ids that are not recorded, or labels that their model does not know, by row.
    """
    with Records(service_folder(path).records, create=False) as records:
        cells = _filled(table, read_delimited(table))
        labels = _checked(records, table, cells)
        for id, said in labels.items():
            records.add_feedback(id, said)
        return len(labels)


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


def _shown(folder: Path, records: Records, row: Predicted) -> str:
    """An input as people can see it: its text, or the name of a file; its sha256 where it was not kept."""
    kept = records.input_of(row.id)
    if kept is None:
        return row.input_hash
    media_type, content = kept
    if media_type.startswith("text/plain"):
        # No table of text can be read again that has this sign.
        return content.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if media_type == "application/json":
        return json.dumps(json.loads(content), ensure_ascii=False)
    name = f"{FILES}/{row.id}{suffix_of(media_type)}"
    write_file_durably(folder / name, content)
    return name


def _filled(path: Path, table: Table) -> dict[str, tuple[int, str]]:
    """Of each id with a label, its line and the label.

    Raises:
        DataError: a column is missing, or an id stands there with two labels.
    """
    if missing := [name for name in (ID, LABEL) if name not in table.columns]:
        raise DataError(f"{path}: lacks the column {' and '.join(missing)}.", "It needs id and label.")
    places = [table.columns.index(name) for name in (ID, LABEL)]
    found: dict[str, tuple[int, str]] = {}
    for number, row in zip(table.numbers, table.rows, strict=True):
        id, label = (str(row[place]).strip() for place in places)
        if label and found.setdefault(id, (number, label))[1] != label:
            raise DataError(f"{path}: line {number}: '{id}' has another label in line {found[id][0]}.")
    return found


def _checked(
    records: Records, path: Path, cells: Mapping[str, tuple[int, str]]
) -> dict[str, tuple[str, ...]]:
    """The labels of each id, once all are known to be there."""
    versions = {version.number: version for version in records.versions()}
    answered = _versions_of(records, cells)
    labels: dict[str, tuple[str, ...]] = {}
    problems = []
    for id, (line, cell) in cells.items():
        if id not in answered:
            problems.append(f"line {line}: no prediction '{id}' is recorded.")
            continue
        version = versions[answered[id]]
        labels[id] = _labels(cell, version)
        problems += [
            f"line {line}: unknown label '{name}'.{did_you_mean(name, version.labels)}"
            for name in labels[id]
            if name not in version.labels
        ]
    several = {answered[id] for id, said in labels.items() if len(said) > 1}
    alone = {number for number in several if not load_bundle(Path(versions[number].path)).task.multi_label}
    problems += [
        f"line {cells[id][0]}: '{cells[id][1]}' are several labels, and exactly one is right."
        for id, said in labels.items()
        if len(said) > 1 and answered[id] in alone
    ]
    if problems:
        known = {name: None for number in set(answered.values()) for name in versions[number].labels}
        there = f" The labels are: {first_of(known)}." if known else ""
        raise DataError.listed(str(path), problems, f"Nothing was taken.{there}")
    return labels


def _versions_of(records: Records, ids: Mapping[str, object]) -> dict[str, int]:
    """The number of the version that answered, of each id that is recorded."""
    found: dict[str, int] = {}
    after = 0
    while len(found) < len(ids) and (rows := records.predictions(after=after, most=PAGE)):
        found.update((row.id, row.version) for row in rows if row.id in ids)
        after = rows[-1].number
    return found


def _labels(cell: str, version: Version) -> tuple[str, ...]:
    """A cell that is no label itself is several."""
    if cell in version.labels:
        return (cell,)
    return tuple(dict.fromkeys(name.strip() for name in cell.split(SIGN)))
