"""What a run leaves for programs: result.json, data.json, and how long each part took."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from headstart import __version__
from headstart.artifact.bundle import CARD, FACTS
from headstart.artifact.card import model_card
from headstart.artifact.run import RunFolder, read_json, write_json
from headstart.config.schema import Config
from headstart.config.toml import dump
from headstart.durable import write_file_durably
from headstart.evaluation.calibration import tempered
from headstart.evaluation.slices import Slice
from headstart.planning.forecast import Forecast
from headstart.planning.lines import plan_state
from headstart.planning.plan import Plan
from headstart.steps.job import Job
from headstart.steps.judge import Judged, predictions_csv
from headstart.steps.ladder import ladder
from headstart.steps.learn import Learned
from headstart.steps.prepare import Prepared
from headstart.steps.report import advice, report_page
from headstart.steps.resume import as_request, request_record
from headstart.steps.run_data import digest_of_texts
from headstart.steps.suspect import Suspected, suspected, suspects_csv
from headstart.steps.weak import weak_slices
from headstart.training.machine import peak_memory

FORMAT = 1
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn", "safetensors")


class Clock:
    """Seconds by part of the work, and in all.

    Args:
        began: when the work did, as `time.monotonic` counts; None is now.
    """

    def __init__(self, began: float | None = None) -> None:
        self._began = time.monotonic() if began is None else began
        self._parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done within to a part."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._parts[name] = self._parts.get(name, 0.0) + time.monotonic() - began

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    def seconds(self) -> dict[str, float]:
        """As result.json has it."""
        parts = {name: self._parts.get(name, 0.0) for name in ("prepare", "features", "train", "evaluate")}
        return {name: round(value, 3) for name, value in {"total": self.elapsed, **parts}.items()}


def versions() -> dict[str, str]:
    """Of headstart, Python and the libraries whose numbers matter."""
    found = {"headstart": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def data_record(prepared: Prepared) -> dict[str, Any]:
    """data.json: fingerprint, findings, splits by example id."""
    return {
        "format": FORMAT,
        "root": str(prepared.dataset.root),
        "layout": prepared.dataset.layout,
        "columns": dict(prepared.dataset.columns),
        "fingerprint": prepared.fingerprint,
        "splits": prepared.splits.state(),
        "texts": {part: digest_of_texts(prepared.part(part)) for part in ("train", "val", "test")},
        "split_reason": prepared.splits.reason,
        "groups": {name: key for name, key in prepared.groups.items() if key != name},
        "findings": [asdict(finding) for finding in prepared.findings],
        "skipped": list(prepared.dataset.skipped),
    }


def result_record(
    job: Job,
    learned: Learned,
    judged: Judged,
    clock: Clock,
    suspects: Suspected,
    slices: Sequence[Slice],
    expected: Forecast | None = None,
) -> dict[str, Any]:
    """result.json; keys are only ever added."""
    task, plan, prepared, training = job.task, job.plan, job.prepared, learned.training
    return {
        "format": FORMAT,
        "task": plan.task,
        "model": plan.model,
        "technique": plan.technique,
        "labels": list(task.labels),
        "data": {
            "train": len(prepared.splits.train),
            "val": len(prepared.splits.val),
            "test": len(prepared.splits.test),
            "fingerprint": prepared.fingerprint,
        },
        "metric": plan.metric,
        "watched": task.watched,
        "val": judged.val.state(),
        "test": judged.test.state(),
        "baselines": {
            name: {part: scores.state() for part, scores in parts.items()}
            for name, parts in judged.baselines.items()
        },
        "returned": learned.returned,
        "why_returned": learned.why,
        "ladder": ladder(
            learned, judged, metric=task.watched, lower_is_better=task.watched in task.lower_is_better
        ),
        "candidates": [
            {"share": one.share, "metric": one.metric, "calibrated_loss": one.calibrated_loss}
            for one in learned.tried
            if any(each.training.steps for each in learned.rounds)
        ],
        "folds": [
            {"held": len(one.held), "epochs": one.training.epochs, "steps": one.training.steps}
            for one in learned.rounds
        ],
        "suspects": len(suspects.examples),
        "indistinct": [
            {"label": label, "auroc": area, "n": count} for label, area, count in suspects.indistinct
        ],
        "slices": [asdict(one) for one in slices],
        "temperature": learned.temperature,
        "examined": {"whole": judged.examined.whole, "difference": judged.examined.difference},
        "seconds": clock.seconds(),
        "epochs": training.epochs if training else 0,
        "steps": training.steps if training else 0,
        "peak_memory_bytes": peak_memory(),
        "forecast": expected and asdict(expected),
        "versions": versions(),
        "stopped": _stopped(learned, plan),
    }


def _stopped(learned: Learned, plan: Plan) -> str:
    if learned.training is None:
        return "nothing to train"
    if learned.training.stopped:
        return learned.training.stopped
    return (
        "epochs done" if learned.training.epochs == sum(p.epochs for p in plan.phases) else "early stopping"
    )


def begin_record(folder: RunFolder, config: Config, plan: Plan, prepared: Prepared) -> None:
    """Write what is known before training: the request, the data and its split, the plan."""
    write_file_durably(folder.config, dump(as_request(config)).encode())
    write_json(folder.data, data_record(prepared))
    write_json(folder.plan, {**plan_state(plan), "request": request_record(config)})


def finish_record(
    folder: RunFolder,
    job: Job,
    learned: Learned,
    judged: Judged,
    clock: Clock,
    expected: Forecast | None = None,
) -> list[str]:
    """Write what came of it: predictions, scores, model card, report; the sentences on what to try next."""
    _write_predictions(folder, job, learned, judged)
    suspects = suspected(job)
    write_file_durably(folder.suspects, suspects_csv(suspects.examples).encode(errors="replace"))
    slices = weak_slices(job, learned, judged)
    result = result_record(job, learned, judged, clock, suspects, slices, expected)
    sentences = advice(job, learned, judged, result, suspects, slices)
    card = model_card(result, read_json(folder.model / FACTS), asked=job.task.asked)
    write_file_durably(folder.model / CARD, card.encode())
    page = report_page(
        folder, job, learned, judged, result=result, sentences=sentences, suspects=suspects.examples
    )
    write_file_durably(folder.report, page.encode())
    write_json(folder.result, result)
    return sentences


def _write_predictions(folder: RunFolder, job: Job, learned: Learned, judged: Judged) -> None:
    """What was said of the test set, and of what was held out while learning, each before it was learned."""
    texts = {folder.test_predictions: predictions_csv(job.task, judged.examples, judged.outputs)}
    if job.task.probed:
        held = tempered(learned.val, learned.temperature)
        texts[folder.held_out_predictions] = predictions_csv(job.task, learned.judged, held)
    for path, text in texts.items():
        write_file_durably(path, text.encode(errors="replace"))
