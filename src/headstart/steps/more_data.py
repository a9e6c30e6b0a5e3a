"""Would more data help: the probe, fitted on parts of the training data, asked about validation data."""

from __future__ import annotations

import numpy as np

from headstart.evaluation.learning_curve import Doubling, doubling
from headstart.steps.job import Job, probe

PARTS = (8, 4, 2, 1)
DRAWS = 3
# Fewer examples on either side say nothing; of more, so many are drawn from.
FEWEST, MOST = 40, 20_000


def twice_the_data(job: Job) -> Doubling | None:
    """What twice the training data would bring of the watched metric, going by the probe.

    None where there is no probe, too few examples, or a metric that is not between 0 and 1.
    """
    task, train, val = job.task, job.prepared.part("train"), job.prepared.part("val")
    if job.probe is None or task.watched in task.lower_is_better or min(len(train), len(val)) < FEWEST:
        return None
    features, targets, once = job.prepared.features_of(val), job.targets("val"), np.ones((1, len(val)))
    draw = np.random.default_rng(job.plan.seed)
    count = min(len(train), MOST)
    sizes, scores = [count // part for part in PARTS], np.empty((DRAWS, len(PARTS)))
    for row in range(DRAWS):
        order = draw.permutation(len(train))[:count]
        for column, size in enumerate(sizes):
            some = [train[place] for place in np.sort(order[:size])]
            # Of all of them there is one already, fitted in the same way.
            fitted = job.probe
            if size < len(train):
                fitted = (
                    probe(job.prepared, task, some, seed=job.plan.seed, strength=fitted.strength) or fitted
                )
            outputs = task.read_head(fitted.logits(features))
            scores[row, column] = task.scorers(outputs, targets)[task.watched](once)[0]
    return doubling(sizes, scores)
