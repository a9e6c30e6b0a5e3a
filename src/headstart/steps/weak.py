"""Kinds of examples on which a classifier is right less often: by what the data says of them, and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from headstart.contracts import Example
from headstart.evaluation.answers import Answers
from headstart.evaluation.slices import Slice, thirds, weakest_slices
from headstart.steps.job import Job
from headstart.steps.judge import Judged
from headstart.steps.learn import Learned
from headstart.tasks.classification import Classification
from headstart.tasks.metrics import Bools

# Groups with fewer examples are passed over, and so are all where there are more of them.
GROUP, GROUPS = 10, 50


def weak_slices(job: Job, learned: Learned, judged: Judged) -> tuple[Slice, ...]:
    """Slices of what was held out, validation and test, on which fewer answers are right; worst first."""
    if not isinstance(job.task, Classification):
        return ()
    examples = (*learned.judged, *judged.examples)
    outputs = (*learned.val, *judged.outputs)
    answers = Answers.read(job.task, outputs, [job.task.encode(example) for example in examples])
    right = (answers.chosen == answers.truth).all(axis=1)
    return weakest_slices(right, dict(_members(job, examples)))


def _members(job: Job, examples: Sequence[Example]) -> Iterator[tuple[str, Bools]]:
    """Every slice, with what is in it."""
    for trait in sorted({trait for example in examples for trait in example.traits}):
        yield ": ".join(trait), np.array([trait in example.traits for example in examples])
    groups = Counter(example.group for example in examples if example.group is not None)
    column = job.prepared.dataset.columns.get("group", "group")
    if len(groups) <= GROUPS:
        for group in sorted(group for group, count in groups.items() if count >= GROUP):
            yield f"{column}: {group}", np.array([example.group == group for example in examples])
    yield from _by_size(job, examples)


def _by_size(job: Job, examples: Sequence[Example]) -> Iterator[tuple[str, Bools]]:
    """The smallest and the largest third of the inputs."""
    sizes = [job.prepared.scans[example.id].size for example in examples]
    if job.modality.family == "image":
        values, unit = np.array([min(size) for size in sizes]), "pixels on the shorter side"
    else:
        values, unit = np.array([size[1] for size in sizes]), "words"
    if (ends := thirds(values)) is not None:
        yield f"at most {ends[0]} {unit}", values <= ends[0]
        yield f"at least {ends[1]} {unit}", values >= ends[1]
