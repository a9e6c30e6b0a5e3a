"""What a version says of held-out examples, kept so that its later answers can be compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from headstart.artifact.model import Model
from headstart.contracts import Example, View
from headstart.data.drawn import drawn
from headstart.errors import DataError, HeadstartError, RequestError, counted
from headstart.monitoring.reference import Reference
from headstart.records.values import Version
from headstart.steps.joined import digest_of
from headstart.steps.run_data import examples_of_run, request_of_run
from headstart.steps.service import ServiceFolder, run_of, said_by
from headstart.tasks.labels import label_names

# Examples, at most; and how many are computed together.
MOST, TOGETHER = 1000, 16


def keep_reference(folder: ServiceFolder, version: Version, model: Model) -> str:
    """What the model says of its run's test examples, for `headstart watch`; as a sentence, what came of it.

    Where it is there already, nothing is done; where it cannot be had or kept, the sentence says why.
    """
    file = folder.reference(version.number)
    if file.is_file() or not model.task.probed:
        return ""
    try:
        run = run_of(Path(version.path))
        config = request_of_run(run, model.task)
        examples, _ = examples_of_run(run, config)
        found = reference_of(model, drawn(examples, MOST, seed=config.seed))
        found.save(file)
    except (HeadstartError, OSError) as error:
        why = error.cause if isinstance(error, HeadstartError) else str(error)
        return f"There is nothing to compare answers with, so headstart watch cannot tell drift: {why}"
    told = counted(len(found.scores), "test example")
    return f"headstart watch will compare answers with those to {told} of the run."


def reference_of(model: Model, examples: Sequence[Example]) -> Reference:
    """What a model says of labelled examples; those that cannot be read are left out.

    Raises:
        RequestError: none can be read.
    """
    scores, features, correct, inputs = [], [], [], []
    for start in range(0, len(examples), TOGETHER):
        some = _readable(model, examples[start : start + TOGETHER])
        answers = model.answer([view for _, view in some], [one.input for one, _ in some]) if some else []
        for (example, _), answered in zip(some, answers, strict=True):
            said = answered.prediction
            scores.append([said.scores[label] for label in model.labels])
            features.append(answered.features)
            correct.append(said_by(said.label, said.scores) == set(label_names(example)))
            inputs.append(digest_of(example.input))
    if not inputs:
        raise RequestError("none of the test examples can be read.", "Put the data of the run back.")
    return Reference(
        labels=model.labels,
        scores=np.asarray(scores, dtype=np.float32),
        correct=np.asarray(correct, dtype=bool),
        features=np.asarray(features, dtype=np.float32),
        inputs=tuple(inputs),
    )


def _readable(model: Model, examples: Sequence[Example]) -> list[tuple[Example, View]]:
    found = []
    for example in examples:
        with suppress(DataError):
            found.append((example, model.view(example.input, name=example.origin or example.id)))
    return found
