"""An export beside the model that it was made of: size, latency, scores; written only if they agree."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from headstart.artifact.bundle import CARD, WEIGHTS, bundle_folder, load_bundle
from headstart.artifact.export.calibration import COUNT
from headstart.artifact.export.candidate import Candidate, make
from headstart.artifact.export.format import Precision
from headstart.artifact.model import Model
from headstart.artifact.run import RunFolder
from headstart.contracts import Example
from headstart.data.drawn import drawn
from headstart.errors import BundleError, HeadstartError, RunFolderError
from headstart.evaluation.scores import Scores
from headstart.steps.judge import scores_of
from headstart.steps.run_data import request_of_run, splits_of_run

# Test examples that both are asked, at most.
ASKED = 500
ROUNDS, TOGETHER = 7, 8
MAX_LOSS = 0.02


@dataclass(frozen=True)
class Row:
    """A form of a model.

    Attributes:
        engine: that computes it.
        size: bytes of its files.
        alone: milliseconds that one input takes alone, decoding not counted.
        together: milliseconds an input of eight.
        score: the main metric on test data; None where there is none.
    """

    engine: str
    size: int
    alone: float
    together: float
    score: float | None


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        path: the folder.
        rows: the model as it was trained, and the export.
        metric: of the scores.
        n: test examples that both were asked; 0 where the data is not there.
        changed: of these, how many got another answer.
        samples: golden samples that were compared.
        difference: largest of a score among them.
        unmeasured: why no data was there; empty where it was.
    """

    path: Path
    rows: tuple[Row, Row]
    metric: str
    n: int
    changed: int
    samples: int
    difference: float
    unmeasured: str = ""

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "path": str(self.path)}


def export_run(
    path: Path,
    name: str,
    *,
    precision: Precision | None = None,
    out: Path | None = None,
    max_loss: float = MAX_LOSS,
) -> Export:
    """Export the model of a run, checked on its golden samples and measured on its test data.

    Validation data would flatter both: a probe that was fitted once more has learned from it, and so has
    the mean of folds.

    Args:
        path: a run folder, or a bundle, for which nothing is measured on data.
        name: of the format.
        precision: in which it is to compute; None is the format's fastest that agrees.
        out: where; None is ``export/NAME`` beside the bundle.
        max_loss: what the main metric may lose in int8.

    Raises:
        HeadstartError: with what is wrong; nothing is written then.
    """
    folder = bundle_folder(path)
    out = out or folder.parent / "export" / (f"{name}-int8" if precision == "int8" else name)
    if out.exists():
        raise RunFolderError(f"{out}: is there already.", "Remove it, or choose another --out.")
    model = load_bundle(path)
    if "engine" in model.facts:
        raise RunFolderError(f"{path}: is an export itself.", "Name the run that it was made of.")
    shown, asked, missing = _data(path, model, needed=precision == "int8")
    candidate = make(model, name, precision, [example.input for example in shown])
    found = replace(_beside(model, folder, candidate, asked, out), unmeasured=missing)
    if precision == "int8":
        _refuse_lossy(found, max_loss, lower_is_better=found.metric in model.task.lower_is_better)
    measured = {key: value for key, value in found.state().items() if key != "path"}
    written = replace(candidate, facts={**candidate.facts, "measured": measured})
    written.write(out, card=(folder / CARD).read_text() if (folder / CARD).is_file() else "")
    return found


def _data(path: Path, model: Model, *, needed: bool) -> tuple[Sequence[Example], Sequence[Example], str]:
    """Some training and test examples of a run; where they are gone and not needed, why."""
    try:
        folder = RunFolder(path)
        config = request_of_run(folder, model.task)
        found = splits_of_run(folder, config, "train", "test")
    except (HeadstartError, OSError) as error:
        if needed:
            raise
        return (), (), error.cause if isinstance(error, HeadstartError) else str(error)
    shown, asked = (
        drawn(found[part][0], most, seed=config.seed) for part, most in (("train", COUNT), ("test", ASKED))
    )
    return shown, asked, ""


def _beside(model: Model, folder: Path, candidate: Candidate, asked: Sequence[Example], out: Path) -> Export:
    """Both, asked the same."""
    models = (model, candidate.model)
    outputs = [one.outputs(asked) if asked else [] for one in models]
    scores: list[Scores | None] = [
        scores_of(model.task, each, asked, {}) if asked else None for each in outputs
    ]
    decode = model.task.decode
    answers = [
        [_words(decode(output, example.input)) for output, example in zip(each, asked, strict=True)]
        for each in outputs
    ]
    weights = folder / model.facts.get("weights", WEIGHTS)
    sizes = (weights.stat().st_size, candidate.size)
    times = _times(models)
    rows = [
        Row(one.engine, size, alone, together, score.metrics[model.task.metric].value if score else None)
        for one, size, (alone, together), score in zip(models, sizes, times, scores, strict=True)
    ]
    return Export(
        path=out,
        rows=(rows[0], rows[1]),
        metric=model.task.metric,
        n=len(asked),
        changed=sum(one != other for one, other in zip(*answers, strict=True)),
        samples=candidate.agreement.count,
        difference=candidate.agreement.largest,
    )


def _words(prediction: Any) -> Mapping[str, Any]:
    """What is said, without how sure it is."""
    said: Mapping[str, Any] = prediction.cells()
    return {key: value for key, value in said.items() if key != "score"}


def _times(models: Sequence[Model]) -> list[tuple[float, float]]:
    """Of each model the milliseconds an input takes alone, and beside others: medians, turn by turn."""
    taken: list[dict[int, list[float]]] = [{1: [], TOGETHER: []} for _ in models]
    values = [models[0].golden.inputs[place % len(models[0].golden)] for place in range(TOGETHER)]
    views = [[model.view(value, name="golden sample") for value in values] for model in models]
    for turn in range(ROUNDS + 1):
        for model, own, found in zip(models, views, taken, strict=True):
            for count, times in found.items():
                began = time.perf_counter()
                model.answer(own[:count], values[:count])
                # The first turn makes ready what later ones find.
                if turn:
                    times.append(1000 * (time.perf_counter() - began) / count)
    return [(statistics.median(found[1]), statistics.median(found[TOGETHER])) for found in taken]


def _refuse_lossy(found: Export, max_loss: float, *, lower_is_better: bool) -> None:
    before, after = (row.score for row in found.rows)
    if before is None or after is None:
        raise BundleError(
            "int8 is measured on test data, and there is none.", "Put the data back in its place."
        )
    loss = after - before if lower_is_better else before - after
    # Written so that NaN is refused.
    if not loss <= max_loss:
        raise BundleError(
            f"In int8, {found.metric} goes from {before:.4f} to {after:.4f} on {found.n} test examples, "
            f"worse by more than {max_loss:g}.",
            "Nothing was written. Allow more with --max-loss, or do without --int8.",
        )
