"""Which models a service has, and which of them answers: told, and changed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headstart.artifact.golden import check
from headstart.artifact.result import Run
from headstart.artifact.run import RunFolder
from headstart.errors import HeadstartError, RequestError
from headstart.evaluation.scores import Interval
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.records.versions import CHAMPION
from headstart.steps.service import add_model, opened, service_folder

# Decisions that are told, the newest.
TOLD = 5


@dataclass(frozen=True)
class Known:
    """A model of a service.

    Attributes:
        version: as the records have it.
        aliases: that it has now.
        metric: the main one of its run; empty where it is of none.
        score: of that metric on the test set of the run, with its interval; None where it is of none.
    """

    version: Version
    aliases: tuple[str, ...]
    metric: str
    score: Interval | None

    def state(self) -> dict[str, Any]:
        """Plain data."""
        test = None if self.score is None else {"metric": self.metric, **self.score.state()}
        return {**asdict(self.version), "aliases": list(self.aliases), "test": test}


@dataclass(frozen=True)
class Versions:
    """The models of a service and what was last decided about them, both oldest first."""

    known: tuple[Known, ...]
    decisions: tuple[Decision, ...]


def versions_of(path: Path) -> Versions:
    """What a service has.

    Raises:
        RequestError: there is no service.
    """
    with Records(service_folder(path).records, create=False) as records:
        aliases = records.aliases()
        known = [
            Known(
                version,
                tuple(alias for alias, number in aliases.items() if number == version.number),
                *_tested(Path(version.path)),
            )
            for version in records.versions()
        ]
        return Versions(tuple(known), tuple(records.decisions()[-TOLD:]))


def add(path: Path, run: Path) -> Version:
    """Make a model known to a service; it answers nothing yet."""
    with Records(service_folder(path).records, create=False) as records:
        version, _ = add_model(records, run, note="added by hand")
        return version


def promote(path: Path, number: int, *, why: str = "promoted by hand") -> Version:
    """Make a version champion, once it has given the answers that it gave when it was saved.

    A server that runs takes it over within seconds.

    Raises:
        RequestError: there is no such version, or another became champion meanwhile.
        HeadstartError: it is damaged, or answers in another way.
    """
    with Records(service_folder(path).records, create=False) as records:
        before = records.aliases().get(CHAMPION)
        version = records.version(number)
        check(opened(version))
        decision = Decision(time.time(), "promote", number, "promoted", why, {})
        if not records.succeed(decision, instead_of=before):
            raise RequestError("Another version became the champion meanwhile.", "Look again.")
        return version


def rollback(path: Path, *, why: str = "rolled back by hand") -> Version:
    """Make champion what was it before, once it has given the answers that it gave when it was saved.

    Raises:
        RequestError: nothing was, or another is by now.
        HeadstartError: it is damaged, or answers in another way.
    """
    with Records(service_folder(path).records, create=False) as records:
        former = records.former_champion()
        check(opened(former))
        records.rollback(Decision(time.time(), "rollback", former.number, "champion again", why, {}))
        return former


def _tested(path: Path) -> tuple[str, Interval | None]:
    """The main metric of the run that a model is of, and its score on the test set.

    An export is of none: it has answered other examples, and in int8 in another way.
    """
    for folder in (path, path.parent):
        if RunFolder(folder).result.is_file():
            try:
                run = Run.open(folder)
                metric = str(run.result["metric"])
                return metric, run.test.metrics[metric]
            except (HeadstartError, KeyError, TypeError):
                return "", None
    return "", None
