"""A finished run, as Python sees it."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.artifact.run import RunFolder, existing_run, read_json
from headstart.evaluation.scores import Scores


@dataclass(frozen=True)
class Run:
    """What `fit` returns: where the run is, and what came of it.

    Attributes:
        path: the run folder.
        result: as result.json has it.
        val, test: scores with intervals: ``run.test.accuracy``, ``run.test.interval("accuracy")``.
    """

    path: Path
    result: dict[str, Any]
    val: Scores
    test: Scores

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run that was written to a folder.

        Raises:
            RunFolderError: it is not a run, or did not finish.
        """
        result = read_json(existing_run(path).result, "val", "test")
        return cls(path, result, Scores.from_state(result["val"]), Scores.from_state(result["test"]))

    def report(self) -> Path:
        """Open report.html in the browser, and return its path."""
        page = RunFolder(self.path).report
        webbrowser.open(page.resolve().as_uri())
        return page
