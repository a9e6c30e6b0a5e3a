"""The answers that were given, the inputs that were kept, and what was said of them since.

Functions of a connection in a transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, cast

from headstart.errors import RequestError
from headstart.records.cells import (
    pack_features,
    pack_plain,
    pack_scores,
    storable,
    unpack_features,
    unpack_labels,
    unpack_scores,
)
from headstart.records.values import Feedback, Predicted
from headstart.records.versions import refuse_unknown

# Bytes of an input; SQLite has no cells above 1 GB.
LARGEST = 999_000_000
_NAMES = (
    "id",
    "version",
    "at",
    "input_hash",
    "label",
    "score",
    "scores",
    "features",
    "milliseconds",
    "media_type",
)
_COLUMNS = ", ".join(f"p.{name}" for name in (*_NAMES, "number"))


def add(connection: sqlite3.Connection, rows: Sequence[Predicted], *, input_bytes: int) -> None:
    """Write predictions, and inputs of those that have one.

    Args:
        connection: in a transaction.
        rows: in the order in which they were made.
        input_bytes: an input of more is not kept.

    Raises:
        RequestError: a version is not known, or an id was used.
    """
    refuse_unknown(connection, {row.version for row in rows})
    for row in rows:
        kept = None
        if row.input is not None and len(row.input) <= min(input_bytes, LARGEST):
            kept = _keep(connection, storable(row.input_hash), row.input)
        try:
            connection.execute(
                f"INSERT INTO predictions ({', '.join(_NAMES)}, input) VALUES ({'?, ' * len(_NAMES)}?)",
                (*_cells(row), kept),
            )
        except sqlite3.IntegrityError as error:
            raise RequestError(
                f"Prediction {row.id}: {error}.", "Give every prediction its own id."
            ) from error


def select(
    connection: sqlite3.Connection, *, version: int | None, after: int, most: int | None
) -> list[Predicted]:
    """Predictions, oldest first, without their inputs.

    Args:
        connection: in a transaction.
        version: of this one only.
        after: of higher numbers only.
        most: at most so many, the oldest.
    """
    condition, values = _where(version=version, after=after)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM predictions AS p {condition} ORDER BY p.number LIMIT ?",
        (*values, -1 if most is None else max(most, 0)),
    )
    return [_predicted(cells) for cells in rows]


def input_of(connection: sqlite3.Connection, id: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a prediction's input; None where it was not kept, or is no longer."""
    found: tuple[str, bytes] | None = connection.execute(
        "SELECT p.media_type, c.bytes FROM predictions AS p JOIN contents AS c ON c.input = p.input"
        " WHERE p.id = ?",
        (storable(id),),
    ).fetchone()
    return found


def say(connection: sqlite3.Connection, id: str, labels: Sequence[str], at: float | None) -> bool:
    """Write what was right; what was said before of this prediction counts no more.

    Args:
        connection: in a transaction.
        id: of the prediction.
        labels: that apply.
        at: when it was said; None is now.

    Returns:
        Whether there is such a prediction.
    """
    found = connection.execute("SELECT number FROM predictions WHERE id = ?", (storable(id),)).fetchone()
    if found is None:
        return False
    connection.execute(
        "INSERT INTO feedback (prediction, labels, at) VALUES (?, ?, ?)"
        " ON CONFLICT (prediction) DO UPDATE SET labels = excluded.labels, at = excluded.at",
        (found[0], pack_plain(list(labels)), time.time() if at is None else at),
    )
    return True


def said(
    connection: sqlite3.Connection, *, version: int | None, after: int, until: int | None
) -> list[tuple[Predicted, Feedback]]:
    """Predictions of which somebody said what was right, oldest prediction first.

    Args:
        connection: in a transaction.
        version: of this one only.
        after: of higher numbers only.
        until: of this number at most.
    """
    condition, values = _where(version=version, after=after, until=until)
    rows = connection.execute(
        f"SELECT {_COLUMNS}, f.labels, f.at FROM feedback AS f"
        f" JOIN predictions AS p ON p.number = f.prediction {condition} ORDER BY p.number",
        values,
    )
    found = []
    for *cells, labels, at in rows:
        predicted = _predicted(cells)
        found.append((predicted, Feedback(predicted.id, unpack_labels(labels), at)))
    return found


def _keep(connection: sqlite3.Connection, digest: str, content: bytes) -> int:
    """The number of the input with this hash, which is written where it is new."""
    found = connection.execute("SELECT number FROM inputs WHERE hash = ?", (digest,)).fetchone()
    if found is not None:
        return int(found[0])
    added = connection.execute("INSERT INTO inputs (hash, size) VALUES (?, ?)", (digest, len(content)))
    number = cast(int, added.lastrowid)
    connection.execute("INSERT INTO contents (input, bytes) VALUES (?, ?)", (number, content))
    return number


def _where(*, version: int | None, after: int, until: int | None = None) -> tuple[str, list[int]]:
    wanted = {"p.number > ?": after, "p.version = ?": version, "p.number <= ?": until}
    given = {condition: value for condition, value in wanted.items() if value is not None}
    return f"WHERE {' AND '.join(given)}", list(given.values())


def _cells(row: Predicted) -> tuple[Any, ...]:
    return (
        storable(row.id),
        row.version,
        row.at,
        storable(row.input_hash),
        None if row.label is None else storable(row.label),
        row.score,
        pack_scores(row.scores),
        pack_features(row.features),
        row.milliseconds,
        storable(row.media_type),
    )


def _predicted(cells: Sequence[Any]) -> Predicted:
    id, version, at, input_hash, label, score, scores, features, milliseconds, media_type, number = cells
    return Predicted(
        id=id,
        version=version,
        at=at,
        input_hash=input_hash,
        label=label,
        score=score,
        scores=unpack_scores(scores),
        features=unpack_features(features),
        milliseconds=milliseconds,
        media_type=media_type,
        number=number,
    )
