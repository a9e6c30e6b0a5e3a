"""The records of a service: its models, its answers, what was said of them, and what was done.

One SQLite file with a write-ahead log. Every method is a transaction: it happened or it did not, whatever is
killed or full. Threads and processes may use one file at once; each process opens it for itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from headstart.errors import RequestError
from headstart.records import eviction, findings, parquet, predictions, versions
from headstart.records.database import Database
from headstart.records.values import (
    USUAL,
    Bounds,
    Decision,
    Feedback,
    Overview,
    Predicted,
    Version,
    Window,
)


class Records:
    """The records in a file, open; a context manager that closes it.

    Every method raises the errors of opening too: the file may be damaged or the disk filled meanwhile.

    Args:
        path: of the file; its folder is made where it is missing.
        bounds: how much is kept; checked whenever something is written.
        create: whether to begin a file where there is none.

    Raises:
        RequestError: the file is missing, no records, damaged, of another format, or cannot be written.
        DiskFull: there is no room.
        Held: another process has been writing for half a minute.
    """

    def __init__(self, path: Path, bounds: Bounds = USUAL, *, create: bool = True) -> None:
        self.bounds = bounds
        self._database = Database(path, create=create)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def close(self) -> None:
        """Close the file; again, nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Models ---------------------------------------------------------------------------------------

    def add_version(
        self, path: str, sha256: str, *, task: str, labels: Sequence[str], note: str = ""
    ) -> Version:
        """Make a model known; the same path and sha256 again gives the version that is there.

        Args:
            path: of its run folder, bundle or export.
            sha256: of its weights.
            task: its name.
            labels: in the order of its scores.
            note: for people.
        """
        with self._database.writing() as connection:
            return versions.add(connection, str(path), sha256, task=task, labels=labels, note=note)

    def move_version(self, number: int, path: str) -> Version:
        """Say where a model lies now.

        Raises:
            RequestError: there is no such model.
        """
        with self._database.writing() as connection:
            return versions.move(connection, number, path)

    def versions(self) -> tuple[Version, ...]:
        """Every model, oldest first."""
        with self._database.reading() as connection:
            return versions.every(connection)

    def version(self, number: int) -> Version:
        """The model with a number.

        Raises:
            RequestError: there is none.
        """
        with self._database.reading() as connection:
            return versions.numbered(connection, number)

    def by_alias(self, alias: str) -> Version | None:
        """The model that is "champion" or "challenger" now; None where none is."""
        with self._database.reading() as connection:
            return versions.by_alias(connection, alias)

    def aliases(self) -> dict[str, int]:
        """The number of each model that has an alias, by alias."""
        with self._database.reading() as connection:
            return versions.aliases(connection)

    def set_alias(self, alias: str, number: int, *, why: str) -> None:
        """Give an alias to a model; nothing happens, and is remembered, where it has it.

        Raises:
            RequestError: there is no such alias or model.
        """
        with self._database.writing() as connection:
            versions.point(connection, alias, number, why=why)

    def succeed(self, decision: Decision, *, instead_of: int | None) -> bool:
        """Make the version of a decision champion and write the decision, or neither.

        Args:
            decision: about the version.
            instead_of: the number of the champion that was looked at; None is none.

        Returns:
            False where another is champion by now: then nothing is written.

        Raises:
            RequestError: there is no such version.
        """
        with self._database.writing() as connection:
            done = versions.succeed(
                connection, _version_of(decision), instead_of=instead_of, why=decision.why
            )
            if done:
                self._add_decision(connection, decision)
            return done

    def remove_alias(self, alias: str, *, why: str) -> None:
        """Take an alias from the model that has it.

        Raises:
            RequestError: there is no such alias.
        """
        with self._database.writing() as connection:
            versions.point(connection, alias, None, why=why)

    def former_champion(self) -> Version:
        """The model that a roll back makes champion.

        Raises:
            RequestError: there is none.
        """
        with self._database.reading() as connection:
            version, _ = versions.former(connection, versions.CHAMPION)
            return version

    def rollback(self, decision: Decision) -> None:
        """Make the version of a decision champion, which was it before, and write the decision, or neither.

        What was rolled back from is not "before" any more: again, it goes to the one before that.

        Args:
            decision: about `former_champion`, as it was looked at.

        Raises:
            RequestError: there is none, or another by now.
        """
        with self._database.writing() as connection:
            versions.back(connection, versions.CHAMPION, _version_of(decision), why=decision.why)
            self._add_decision(connection, decision)

    def history(self, alias: str) -> tuple[tuple[int | None, float, str], ...]:
        """Number of the model, time and reason whenever an alias changed, oldest first.

        The number is None where the alias was removed.
        """
        with self._database.reading() as connection:
            return versions.history(connection, alias)

    # Answers --------------------------------------------------------------------------------------

    def add_predictions(self, rows: Sequence[Predicted]) -> None:
        """Write predictions, all or none; many at once are much cheaper than one by one.

        They outlive the end of the process, however that comes about; a power cut may cost the last ones.

        Raises:
            RequestError: a version is not known, or an id was used; none is written.
        """
        if not rows:
            return
        with self._database.writing(lasting=False) as connection:
            predictions.add(connection, rows, input_bytes=self.bounds.input_bytes)
            eviction.keep_within(connection, self.bounds)

    def predictions(
        self, *, version: int | None = None, after: int = 0, most: int | None = None
    ) -> list[Predicted]:
        """Predictions in the order in which they were written, without their inputs.

        Args:
            version: of this model only.
            after: of higher numbers only.
            most: at most so many, the oldest.
        """
        with self._database.reading() as connection:
            return predictions.select(connection, version=version, after=after, most=most)

    def input_of(self, id: str) -> tuple[str, bytes] | None:
        """Media type and bytes of a prediction's input; None where it was not kept, or is no longer."""
        with self._database.reading() as connection:
            return predictions.input_of(connection, id)

    def add_feedback(self, id: str, labels: Sequence[str], at: float | None = None) -> bool:
        """Write what was right; of one prediction the last word counts.

        Args:
            id: of the prediction.
            labels: that apply.
            at: when it was said, in seconds since 1970; None is now.

        Returns:
            False where there is no such prediction, or no longer.
        """
        with self._database.writing() as connection:
            return predictions.say(connection, id, labels, at)

    def feedback(
        self, *, version: int | None = None, after: int = 0, until: int | None = None
    ) -> list[tuple[Predicted, Feedback]]:
        """Predictions of which somebody said what was right, oldest prediction first.

        Args:
            version: of this model only.
            after: of predictions with higher numbers only, whenever the feedback came.
            until: of predictions of this number at most.
        """
        with self._database.reading() as connection:
            return predictions.said(connection, version=version, after=after, until=until)

    # What was found and done ----------------------------------------------------------------------

    def add_window(self, window: Window) -> bool:
        """Write what a look at some predictions found.

        Returns:
            False where another window has some of them by now: then nothing is written.

        Raises:
            RequestError: its version is not known.
        """
        with self._database.writing() as connection:
            done = findings.add_window(connection, window)
            eviction.keep_within(connection, self.bounds)
            return done

    def settle_window(self, window: Window) -> bool:
        """Write time, alarm and findings of a window that is there, as labels that came later have it.

        Returns:
            False where that was done by now, or the window is gone: then nothing is written.
        """
        with self._database.writing() as connection:
            return findings.settle_window(connection, window)

    def windows(self, version: int | None = None, *, last: int | None = None) -> list[Window]:
        """Looks at the predictions of one model or of all, oldest first.

        Args:
            version: of this model only.
            last: at most so many, the newest.
        """
        with self._database.reading() as connection:
            return findings.windows(connection, version, newest=last)

    def looked_at(self, version: int) -> int:
        """The number of the last prediction of a model that a window has; 0 where none has any."""
        with self._database.reading() as connection:
            return findings.reached(connection, version)

    def add_decision(self, decision: Decision) -> None:
        """Write what was done about a model, and why.

        Raises:
            RequestError: its version is not known.
        """
        with self._database.writing() as connection:
            self._add_decision(connection, decision)

    def _add_decision(self, connection: sqlite3.Connection, decision: Decision) -> None:
        findings.add_decision(connection, decision)
        eviction.keep_within(connection, self.bounds)

    def decisions(self) -> list[Decision]:
        """What was done, oldest first."""
        with self._database.reading() as connection:
            return findings.decisions(connection)

    def overview(self) -> Overview:
        """How much of everything there is, at one moment."""
        with self._database.reading() as connection:
            return findings.overview(connection)

    def to_parquet(self, folder: Path) -> tuple[Path, ...]:
        """Write the tables as they are at one moment, a Parquet file each; kept inputs too.

        Args:
            folder: made where it is missing; files of those names are replaced.

        Returns:
            The files.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        with self._database.reading() as connection:
            return parquet.write(connection, folder)


def _version_of(decision: Decision) -> int:
    """The number of the version that becomes champion.

    Raises:
        RequestError: the decision is about none.
    """
    if decision.version is None:
        raise RequestError("A decision about no version makes none champion.", "Name its version.")
    return decision.version
