"""What people read while a run goes on: findings, plan, scores. Writes nothing where there is no stream."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from headstart.artifact.run import RunFolder
from headstart.contracts import Event, Observer
from headstart.data.dataset import Finding
from headstart.data.layout import printable
from headstart.errors import counted
from headstart.evaluation.report.verdict import untrained
from headstart.evaluation.report.words import about, interval, number, title
from headstart.evaluation.scores import Scores
from headstart.planning.forecast import Forecast
from headstart.planning.lines import plan_lines
from headstart.planning.plan import Plan
from headstart.planning.storing import in_bytes
from headstart.training.observers import MetricsFile
from headstart.training.progress import watch_on
from headstart.training.tensorboard import TensorBoard
from headstart.tuning.page import sentences
from headstart.tuning.space import Dimension

NAMES, VALUES, WIDTH = 28, 34, 112
NAMES_OF = {
    "trained": "the trained network",
    "between": "weights between the probe and the trained network",
    "probe": "the linear probe",
}
UNTRAINED = "the network as it was before training"


class _Silent:
    """Watches and says nothing."""

    def notify(self, event: Event) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def watching(stream: TextIO | None, metric: str = "") -> Iterator[Observer]:
    """A bar or lines on a stream; closed after."""
    watch: Observer = _Silent() if stream is None else watch_on(stream, metric)
    try:
        yield watch
    finally:
        watch.close()


@contextmanager
def watch_files(folder: RunFolder, *, tensorboard: bool) -> Iterator[Sequence[Observer]]:
    """What writes a run's events into its folder; closed after."""
    observers: list[Observer] = [MetricsFile(folder.metrics)]
    if tensorboard:
        observers.append(TensorBoard(folder.tensorboard))
    try:
        yield observers
    finally:
        for observer in observers:
            observer.close()


def show_findings(stream: TextIO | None, findings: Sequence[Finding]) -> None:
    """What was found in the data, a line each; the tables are left to `headstart check`."""
    for finding in findings:
        _print(stream, f"{finding.level}: {printable(finding.text)}")


def show_plan(stream: TextIO | None, plan: Plan) -> None:
    """Every decision with its value and its reason."""
    _print(stream, "Plan")
    for name, value, reason in plan_lines(plan):
        if name == "phases":
            value = "\n".join(value.replace("), ", ")\n").splitlines())
        values = [line for part in value.splitlines() for line in textwrap.wrap(part, VALUES)] or [""]
        reasons = textwrap.wrap(reason, WIDTH - NAMES - VALUES)
        for row in range(max(len(values), len(reasons))):
            first = name if row == 0 else ""
            second = values[row] if row < len(values) else ""
            third = reasons[row] if row < len(reasons) else ""
            _print(stream, f"  {first:<{NAMES}}{second:<{VALUES}}  {third}".rstrip())


def show_forecast(stream: TextIO | None, expected: Forecast | None) -> None:
    """What the run will take."""
    if expected is None:
        return
    seconds, low, high = (about(value) for value in (expected.seconds, expected.shortest, expected.longest))
    within = "" if low == high else f" ({low} to {high})"
    _print(stream, f"Expected: about {seconds}{within}, {in_bytes(expected.memory)} of memory.")
    if expected.too_long:
        text = (
            f"The time limit of {about(expected.limit or 0)} is too short: reading the data, computing "
            f"features and writing the model take that long. No step is trained."
        )
        _print(stream, _filled(text, 2))


def show_scores(stream: TextIO | None, result: Mapping[str, Any], advice: Sequence[str]) -> None:
    """The scores on the test set beside the baselines, and what to try next."""
    test = Scores.from_state(result["test"])
    others = {name: Scores.from_state(parts["test"]) for name, parts in result["baselines"].items()}
    heads = "".join(f"{name.replace('_', ' '):>14}" for name in others)
    _print(stream, f"{counted(test.n, 'test example'):<22}{'':>10}{'95 % interval':>20}{heads}")
    for name, score in test.metrics.items():
        beside = "".join(f"{number(scores.metrics[name].value, name):>14}" for scores in others.values())
        _print(
            stream, f"  {title(name):<20}{number(score.value, name):>10}{interval(score, name):>20}{beside}"
        )
    if len(result["ladder"]) > 1:
        rungs = ", ".join(
            f"{rung['rung']} {number(rung['metric'], result['watched'])}" for rung in result["ladder"]
        )
        text = f"Step by step, {title(result['watched'])} on validation data: {rungs}."
        _print(stream, _filled(text, 2))
    begun = result["returned"] == "trained" and not result["steps"]
    returned = UNTRAINED if begun else NAMES_OF[result["returned"]]
    _print(stream, _filled(f"Returned: {returned} ({result['why_returned']}).", 2))
    if warning := untrained(result):
        _print(stream, _filled(f"warning: {warning}", 2))
    took = f"{about(result['seconds']['total'])}, {in_bytes(result['peak_memory_bytes'])} of memory"
    expected = result.get("forecast")
    said = ""
    if expected:
        said = f" (expected: {about(expected['seconds'])}, {in_bytes(expected['memory'])})"
    _print(stream, f"Took: {took}{said}.")
    for sentence in advice:
        _print(stream, _filled(f"Next: {sentence}", 6))


def _filled(text: str, indent: int) -> str:
    """Lines that fit, all but the first indented; what is to be typed is never broken at a hyphen."""
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _print(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        print(text, file=stream, flush=True)


def show_search(
    stream: TextIO | None, dimensions: Sequence[Dimension], *, trials: int, n_val: int, asked: bool
) -> None:
    """What is searched over, and in how many trials."""
    if stream is None:
        return
    why = "" if asked else f", as {n_val} validation examples tell apart"
    print(f"Searched over in {trials} trials{why}: {', '.join(one.key for one in dimensions)}.", file=stream)


def show_tuned(stream: TextIO | None, state: Mapping[str, Any]) -> None:
    """What came of a search."""
    if stream is None:
        return
    for sentence in sentences(state):
        print(_filled(sentence, 0), file=stream)
    settings = " ".join(f"--set {key}={value}" for key, value in state["settings"].items())
    print(f"Trial {state['best']} is finished: {settings or 'everything as usual'}.", file=stream)
