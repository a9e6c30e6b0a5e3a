"""What Python calls: the one-liners, and the steps underneath, so that nobody outgrows them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from headstart import production, workflow
from headstart.artifact.bundle import load_bundle
from headstart.artifact.export.format import Precision
from headstart.artifact.model import Model
from headstart.artifact.result import Run
from headstart.artifact.run import existing_run
from headstart.config.load import load as load_config
from headstart.config.schema import Config
from headstart.config.shortcuts import expand
from headstart.contracts.offers import Offer
from headstart.data.dataset import Dataset, Finding, Splits
from headstart.evaluation.comparison import Comparison
from headstart.evaluation.ranking import Candidate
from headstart.evaluation.scores import Scores
from headstart.evaluation.succession import MARGIN
from headstart.planning.plan import Plan
from headstart.steps.export import MAX_LOSS, Export
from headstart.steps.prepare import read_data
from headstart.steps.rank import SAMPLE, Wanted
from headstart.steps.retrain import Retrained
from headstart.steps.tune import Tuned
from headstart.steps.watch import ALPHA, WINDOW, Look


def fit(
    data: str | Path,
    *,
    task: str | None = None,
    model: str | None = None,
    technique: str | None = None,
    time_limit: str | float | None = None,
    epochs: int | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    image_size: int | None = None,
    label: str | None = None,
    group: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    stream: TextIO | None = sys.stderr,
) -> Run:
    """From data to a saved, evaluated model: ``headstart fit``.

    Args:
        data: folder of class folders, or a table.
        task: what is predicted; inferred where None, like all that follows.
        model: ``SOURCE:NAME``, or a NAME that only one source knows.
        technique: how the model is changed while it learns.
        time_limit: seconds, or ``"10m"``.
        epochs: in all phases together.
        lr: the technique's reference rate.
        batch_size: examples computed at once.
        image_size: input pixels.
        label, group: columns of a table.
        seed: of the split, the order and the new weights.
        device: "cpu", "cuda", "cuda:1" or "mps".
        out: the run folder.
        settings: any other key of the configuration: ``{"train.label_smoothing": 0.1}``.
        stream: where progress, plan and scores are shown; None shows nothing.

    Raises:
        HeadstartError: with what is wrong, where, and what to do.
    """
    named = {
        "data": str(data),
        "task": task,
        "model": model,
        "technique": technique,
        "time_limit": time_limit,
        "epochs": epochs,
        "lr": lr,
        "batch_size": batch_size,
        "image_size": image_size,
        "label": label,
        "group": group,
        "seed": seed,
        "device": device,
        "out": None if out is None else str(out),
    }
    return workflow.fit(load_config(None, {**expand(named), **(settings or {})}), stream=stream)


def resume(run: str | Path, *, allow_data_change: bool = False, stream: TextIO | None = sys.stderr) -> Run:
    """Go on with a run that was stopped: ``headstart fit --resume``."""
    config = load_config(existing_run(Path(run)).config)
    return workflow.fit(config, resume=Path(run), allow_data_change=allow_data_change, stream=stream)


def load(path: str | Path, *, device: str = "cpu") -> Model:
    """The model of a run, or of a bundle, ready to predict.

    Raises:
        BundleError: there is none, or it is damaged.
    """
    return load_bundle(Path(path), device=device)


def tune(
    data: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    trials: int | None = None,
    storage: str | None = None,
    study: str | None = None,
    stream: TextIO | None = sys.stderr,
) -> Tuned:
    """Search for better settings than the usual ones: ``headstart tune``.

    Args:
        data: folder of class folders, or a table.
        settings: keys of the configuration, which are not searched over.
        trials: in all; None is as many as the data can tell apart.
        storage: address of a database that several machines reach; None is a journal in the study's folder.
        study: name of the search in the database.
        stream: where the progress is shown; None shows nothing.

    Raises:
        HeadstartError: with what is wrong, where, and what to do.
    """
    return workflow.tune(_request(data, settings), trials=trials, storage=storage, name=study, stream=stream)


def models(settings: Mapping[str, Any] | None = None) -> tuple[Offer, ...]:
    """Every pretrained model that can be had, those that are there first."""
    return workflow.models(load_config(None, settings or {}))[0]


def rank(
    data: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    models: Sequence[str] = (),
    licences: Sequence[str] = (),
    max_latency: float | None = None,
    count: int = SAMPLE,
    stream: TextIO | None = None,
) -> tuple[Candidate, ...]:
    """Pretrained models in the order in which they promise most for this data: ``headstart models DATA``.

    Args:
        data: folder of class folders, or a table.
        settings: keys of the configuration.
        models: to try; none is all that are there.
        licences: of the weights, one of these; none is any.
        max_latency: seconds that one input alone may take here; None is any.
        count: training examples to try them on, at most.
        stream: where the progress is shown.

    Raises:
        RequestError: the task has no probe, or no model is left.
    """
    wanted = Wanted(licences, max_latency)
    return workflow.rank(_request(data, settings), models, wanted=wanted, count=count, stream=stream)


def read(data: str | Path, settings: Mapping[str, Any] | None = None) -> Dataset:
    """The labelled examples of a folder or table, by reference."""
    return read_data(_request(data, settings))


def check(data: str | Path, settings: Mapping[str, Any] | None = None) -> tuple[Finding, ...]:
    """What is in the data, and what is wrong with it: ``headstart check``."""
    return workflow.check(_request(data, settings))


def split(data: str | Path, settings: Mapping[str, Any] | None = None) -> Splits:
    """Which examples `fit` would train on, validate on and test on: ids in ``train``, ``val``, ``test``."""
    return workflow.split(_request(data, settings))


def plan(data: str | Path, settings: Mapping[str, Any] | None = None) -> Plan:
    """Every decision that `fit` would make, with its reason: ``headstart fit --dry-run``."""
    return workflow.plan(_request(data, settings))


def evaluate(run: str | Path, data: str | Path | None = None, *, label: str | None = None) -> Scores:
    """Scores of a model on its run's test split or on other labelled data: ``headstart evaluate``.

    Args:
        run: a run folder, a bundle, or an export.
        data: labelled examples; None is the test split of the run that the model is in.
        label: column of `data` with the labels, where it is not that of the run's data.
    """
    return workflow.evaluate(Path(run), None if data is None else Path(data), label=label)


def compare(
    first: str | Path, second: str | Path, data: str | Path | None = None, *, label: str | None = None
) -> Comparison:
    """Which of two runs is better on the same examples, and is it chance: ``headstart compare``.

    Args:
        first, second: run folders.
        data: labelled examples that neither has seen; None takes those in the test splits of both.
        label: column of `data` with the labels.
    """
    return workflow.compare(Path(first), Path(second), None if data is None else Path(data), label=label)


def export(
    run: str | Path,
    format: str = "onnx",
    *,
    precision: Precision | None = None,
    out: str | Path | None = None,
    max_loss: float = MAX_LOSS,
) -> Export:
    """The model of a run in a form that other programs compute: ``headstart export``.

    Args:
        run: a run folder or a bundle.
        format: "onnx", "openvino" or "torch".
        precision: "fp32", "bf16" or "int8"; None is the format's fastest that gives the same answers.
        out: where; None is ``export/FORMAT`` in the run folder.
        max_loss: what the main metric may lose in int8 on validation data.

    Raises:
        HeadstartError: it gives other answers, or cannot be made; nothing is written.
    """
    where = None if out is None else Path(out)
    return production.export(Path(run), format, precision=precision, out=where, max_loss=max_loss)


def watch(service: str | Path, *, window: int = WINDOW, alpha: float = ALPHA, now: bool = False) -> Look:
    """Whether answers, inputs or accuracy of a service have changed: ``headstart watch``.

    Args:
        service: its folder.
        window: predictions that are judged together.
        alpha: the share of windows without any change that may ring.
        now: whether to judge what does not fill a window as well.
    """
    return production.watch(Path(service), size=window, alpha=alpha, now=now)


def retrain(
    service: str | Path,
    data: str | Path | None = None,
    *,
    label: str | None = None,
    if_needed: bool = False,
    margin: float = MARGIN,
    time_limit: float | None = None,
    stream: TextIO | None = sys.stderr,
) -> Retrained:
    """Train a challenger, and promote it if it is no worse: ``headstart retrain``.

    Args:
        service: its folder.
        data: new labelled examples, beside the corrections.
        label: column of `data` with the labels.
        if_needed: only after an alarm, or when enough corrections have come.
        margin: what the challenger may be worse, as a share of answers.
        time_limit: of its training, in seconds.
        stream: where progress is shown; None shows nothing.
    """
    return production.retrain(
        Path(service),
        None if data is None else Path(data),
        label=label,
        if_needed=if_needed,
        margin=margin,
        time_limit=time_limit,
        stream=stream,
    )


def _request(data: str | Path, settings: Mapping[str, Any] | None) -> Config:
    return load_config(None, {"data.path": str(data), **(settings or {})})
