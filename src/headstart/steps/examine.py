"""What a saved model says of the test split: from kept activations where they give what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headstart.artifact.model import Model
from headstart.contracts import Prediction
from headstart.evaluation.calibration import tempered
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.steps.feeds import evaluation_batches
from headstart.steps.job import Job
from headstart.steps.supply import Notify

# Examples that the model itself is asked about in any case, and by how much a score may differ.
GOLDEN, TOLERANCE = 16, 0.02
# An answer this near to another one is the model's own to give.
NEAR = 0.1


@dataclass(frozen=True)
class Examined:
    """What a model says of the test split.

    Attributes:
        outputs: of each example, temperature applied.
        whole: examples that went through the whole model, from their files.
        difference: largest of a score, on those of them that were computed both ways.
    """

    outputs: Sequence[Any]
    whole: int
    difference: float


def examine(model: Model, job: Job, *, cut: str, notify: Notify) -> Examined:
    """Ask a saved model about the test split.

    Layers that nothing has changed are not run again: what they gave is replayed through the rest of
    the saved model. The first examples go through all of it, and so does every one whose answer
    is a close call. Where these differ by more than `TOLERANCE`, or in one label, all do. So do all
    of tasks whose answers are not told by scores.

    Args:
        model: opened from its bundle.
        job: has the test split.
        cut: the boundary below which the model has the pretrained weights; "" is none.
        notify: told of the progress.
    """
    examples = job.prepared.part("test")
    if not cut or not job.task.probed:
        return Examined(model.outputs(examples), len(examples), 0.0)
    with evaluation_batches(job, model.torch, cut, "test", notify) as batches:
        replayed = compute_outputs(job.task, model.torch, batches, device=job.plan.device)
    outputs = tempered(in_order(replayed, examples), model.temperature)
    said = [job.task.decode(output) for output in outputs]
    places = [place for place, answer in enumerate(said) if place < GOLDEN or _is_close(answer)]
    own = model.outputs([examples[place] for place in places])
    pairs = [(said[place], job.task.decode(output)) for place, output in zip(places, own, strict=True)]
    difference = max(_difference(*pair) for pair in pairs)
    # Close calls may turn out either way; those that are none must not.
    sure = [(one, other) for one, other in pairs if not _is_close(one)]
    if difference > TOLERANCE or any(_said(one) != _said(other) for one, other in sure):
        return Examined(model.outputs(examples), len(examples), difference)
    for place, output in zip(places, own, strict=True):
        outputs[place] = output
    return Examined(outputs, len(places), difference)


def _is_close(answer: Prediction) -> bool:
    """Whether a small change of the scores might change what is said."""
    if answer.labels or answer.label is None:
        return any(abs(score - 0.5) < NEAR for score in answer.scores.values())
    first, second = sorted(answer.scores.values(), reverse=True)[:2]
    return first - second < NEAR


def _said(answer: Prediction) -> tuple[str | None, tuple[str, ...]]:
    return answer.label, answer.labels


def _difference(one: Prediction, other: Prediction) -> float:
    return max(abs(score - other.scores[label]) for label, score in one.scores.items())
