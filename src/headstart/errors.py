"""Every deliberate error. Each says what is wrong, where, and what to do.

HeadstartError                 exit 1
├── RequestError               exit 2   the request or the data is wrong
│   ├── ConfigError                     a key or value of the configuration
│   ├── DataError                       a file, row, column or label
│   │   └── UnknownLabel                an example with a label that the model does not know
│   ├── ModelError                      a model that is not there or cannot be read
│   ├── MissingExtra                    an optional package that is not installed
│   ├── RunFolderError                  a run folder that is taken, or cannot be written
│   │   └── Held                        another process is writing there
│   └── CacheError                      a cache that cannot be written
│       └── RowsLost           exit 1   what was kept there can no longer be read
└── RunError                   exit 1   the run failed
    ├── CheckpointError                 a checkpoint that is damaged or belongs to another run
    ├── BundleError                     a saved model that is damaged
    ├── DiskFull                        no room for what is to be saved
    ├── NonFiniteLoss                   a loss or gradient is NaN or infinite
    └── Interrupted            130/143  a signal stopped it; the state is saved
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

_LISTED = 20  # problems that are shown of one place


class HeadstartError(Exception):
    """A deliberate error: a sentence that names cause and value, and a remedy.

    Args:
        cause: what is wrong and where, as one sentence.
        remedy: what to do about it, as one sentence; may be empty.
    """

    exit_code: int = 1

    def __init__(self, cause: str, remedy: str = "") -> None:
        separator = "" if remedy.startswith("\n") else " "
        super().__init__(f"{cause}{separator}{remedy}".rstrip())
        self.cause = cause
        self.remedy = remedy


class RequestError(HeadstartError):
    """The request or the data is wrong: nothing was trained."""

    exit_code = 2


class _Listed(RequestError):
    """All mistakes of one place at once, a line each; of very many, the first."""

    @classmethod
    def listed(cls, where: str, problems: Sequence[str], remedy: str = "") -> _Listed:
        """One error from many problems.

        Args:
            where: the file or folder that they are in.
            problems: one sentence each, beginning with the key or row.
            remedy: what to do about all of them.
        """
        if len(problems) == 1:
            return cls(f"{where}: {problems[0]}", remedy)
        lines = "".join(f"\n  {problem}" for problem in problems[:_LISTED])
        if len(problems) > _LISTED:
            lines += f"\n  and {len(problems) - _LISTED} more."
        return cls(f"{where}: {len(problems)} problems{lines}", f"\n{remedy}" if remedy else "")


class ConfigError(_Listed):
    """A key or a value of the configuration is wrong."""


class DataError(_Listed):
    """A file, row, column or label is wrong."""


class UnknownLabel(DataError):
    """An example has a label that the model does not know.

    Args:
        place: of the example.
        label: that it has.
        known: the labels of the model.
    """

    def __init__(self, place: str, label: str, known: Collection[str]) -> None:
        near = did_you_mean(label, known)
        super().__init__(f"{place}: unknown label '{label}'.{near}", f"There are: {first_of(known)}.")
        self.place = place
        self.label = label


class ModelError(RequestError):
    """A model is not there, or its weights cannot be read."""


class MissingExtra(RequestError):
    """An optional package is not installed.

    Args:
        feature: what needs it, such as ``"Parquet tables"``.
        install: the line that installs it, such as ``"pip install 'headstart[data]'"``.
    """

    def __init__(self, feature: str, install: str) -> None:
        super().__init__(f"{feature} needs a package that is not installed.", f"Install it: {install}")


class RunFolderError(RequestError):
    """A run folder is missing, already used, or cannot be written."""


class Held(RunFolderError):
    """Another process is writing into a run folder."""


class CacheError(RequestError):
    """A cache cannot be written.

    Args:
        path: of it.
        reason: as the system says it.
    """

    def __init__(self, path: object, reason: str | None) -> None:
        super().__init__(
            f"{path}: cannot be written ({reason}).",
            "Set HEADSTART_CACHE or cache.path to a folder that can.",
        )


class RowsLost(CacheError):
    """Rows that were there can no longer be read.

    Args:
        path: of the shelf.
        reason: as the system says it.
    """

    exit_code = 1

    def __init__(self, path: object, reason: str | None) -> None:
        HeadstartError.__init__(
            self,
            f"{path}: what was kept can no longer be read ({reason}).",
            "Begin again, a run with --resume; what is gone is computed again.",
        )


class RunError(HeadstartError):
    """The run failed after it had begun."""


class CheckpointError(RunError):
    """A checkpoint is damaged, or belongs to another model, task or data."""


class BundleError(RunError):
    """A saved model is damaged or not a model of headstart."""


class DiskFull(RunError):
    """The disk has no room.

    Args:
        path: what was being written.
        need: bytes needed.
        have: bytes free.
    """

    def __init__(self, path: object, need: int, have: int) -> None:
        super().__init__(
            f"{path}: disk full: need {_megabytes(need)}, have {_megabytes(have)}.",
            "Free some space; what was saved before is intact, and a fit goes on from there with --resume.",
        )


class NonFiniteLoss(RunError):
    """The loss became NaN or infinite."""


class Interrupted(RunError):
    """A signal stopped the run; its state is saved.

    Args:
        path: the run folder.
        exit_code: 128 and the signal's number.
        command: that goes on with it.
    """

    def __init__(self, path: object, exit_code: int, command: str = "fit") -> None:
        super().__init__(
            f"{path}: stopped by a signal; the state is saved.",
            f"Go on with `headstart {command} --resume {path}`.",
        )
        self.exit_code = exit_code


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``" Did you mean 'epochs'?"`` where a known name is near, else an empty string."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def a_few(names: Sequence[str]) -> str:
    """The first five names, and whether there are more."""
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Such as ``1 class`` or ``2 classes``.

    Args:
        number: how many.
        noun: of one.
        plural: of several; empty adds an s.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: Iterable[str], most: int = _LISTED) -> str:
    """Such as ``a, b and 7 more``."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
