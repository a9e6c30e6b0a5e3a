"""A finished run as a page: everything the report says, gathered."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headstart.artifact.run import RunFolder
from headstart.contracts import ClassScores, Example, Modality, Task
from headstart.data.labels import count_labels
from headstart.evaluation.advice import Evidence, advise
from headstart.evaluation.answers import Answers
from headstart.evaluation.calibration import reliability, tempered
from headstart.evaluation.confusion import class_scores, confusion, mistakes
from headstart.evaluation.report.content import Calibration, Mistake, ReportContent
from headstart.evaluation.report.page import render
from headstart.evaluation.slices import Slice
from headstart.planning.lines import plan_lines
from headstart.planning.rules import uneven
from headstart.steps.folds import fold_count
from headstart.steps.job import Job
from headstart.steps.judge import Judged
from headstart.steps.ladder import best_metric
from headstart.steps.learn import Learned
from headstart.steps.more_data import twice_the_data
from headstart.steps.suspect import Suspected
from headstart.tasks.classification import Classification
from headstart.training.stopping import TIME_LIMIT

SHOWN_MISTAKES = 24


def advice(
    job: Job,
    learned: Learned,
    judged: Judged,
    result: Mapping[str, Any],
    suspects: Suspected,
    slices: Sequence[Slice],
) -> list[str]:
    """What to try next, from what the run has shown."""
    task, plan, prepared = job.task, job.plan, job.prepared
    metric = task.watched
    lower = metric in task.lower_is_better
    counts = count_labels(prepared.part("train")) if prepared.dataset.classed else Counter[str]()
    rarest = min(counts, key=lambda label: (counts[label], label), default="")
    probe = judged.baselines.get("linear_probe")
    # Where no step was trained, a validation tells of the weights that training was to begin with.
    history = learned.training.history if learned.training and learned.training.steps else ()
    train = history[-1].train_metric if history else math.nan
    return advise(
        Evidence(
            metric=metric,
            technique=plan.technique,
            val=judged.val.metrics[metric].value,
            epochs=result["epochs"],
            smallest=counts[rarest],
            rarest=rarest,
            uneven=uneven(counts[rarest], max(counts.values(), default=0))
            and not plan.objective.class_weights,
            own_splits=frozenset(name for name, ids in prepared.dataset.splits.items() if ids),
            amounts=next((one.text for one in prepared.findings if one.code == "amounts"), ""),
            lr=plan.lr if history else None,
            train=None if math.isnan(train) else train,
            probe=probe["val"].metrics[metric].value if probe else None,
            test=judged.test.metrics[metric],
            n_test=judged.test.n,
            worst=_worst(task, judged),
            ece=judged.test.metrics["ece"].value if "ece" in judged.test.metrics else None,
            lower_is_better=lower,
            varies=job.modality.varies,
            still_improving=bool(history) and history[-1].best,
            out_of_time=result["stopped"] == TIME_LIMIT,
            folds=len(learned.rounds),
            planned_folds=fold_count(job) if learned.rounds else 0,
            n_val=len(prepared.part("val")),
            suspects=len(suspects.examples) if suspects.stand_out else 0,
            learned_from=len(prepared.part("train")) + len(prepared.part("val")),
            suspect=next(((one.id, one.true, one.predicted) for one in suspects.examples), ("", "", "")),
            doubling=twice_the_data(job),
            indistinct=suspects.indistinct[0] if suspects.indistinct else None,
            slice=slices[0] if slices else None,
            start=None if plan.head.hidden or not probe else probe["val"].metrics[metric].value,
            reached=best_metric(history, lower_is_better=lower) if history else None,
        )
    )


def report_page(
    folder: RunFolder,
    job: Job,
    learned: Learned,
    judged: Judged,
    *,
    result: Mapping[str, Any],
    sentences: Sequence[str],
    suspects: Sequence[Mistake],
) -> str:
    """report.html of a run.

    Args:
        folder: has the events of training.
        result: as result.json has it.
        sentences: what to try next.
        suspects: examples whose label looks wrong.
    """
    content = ReportContent(
        title=folder.path.resolve().name,
        result=result,
        lower_is_better=job.task.lower_is_better,
        advice=sentences,
        events=_events(folder),
        phases=job.plan.phases,
        findings=job.prepared.findings,
        plan=plan_lines(job.plan),
    )
    if isinstance(job.task, Classification):
        content = _with_answers(content, job.task, job.modality, judged, learned)
        learned_from = (*job.prepared.part("train"), *job.prepared.part("val"))
        content = replace(content, suspects=_shown(suspects, learned_from, job.modality))
    elif judged.exhibits is not None:
        content = replace(content, exhibits=judged.exhibits, per_class=judged.exhibits.per_class)
    return render(content)


def _with_answers(
    content: ReportContent, task: Classification, modality: type[Modality], judged: Judged, learned: Learned
) -> ReportContent:
    answers = _answers(task, judged)
    untempered = Answers.read(
        task,
        tempered(judged.outputs, 1 / learned.temperature),
        [task.encode(example) for example in judged.examples],
    )
    wrong = mistakes(answers, [example.id for example in judged.examples])
    return replace(
        content,
        confusion=confusion(answers),
        per_class=class_scores(answers),
        mistakes=_shown(wrong, judged.examples, modality),
        mistake_count=len(wrong),
        calibration=Calibration(learned.temperature, reliability(untempered), reliability(answers)),
    )


def _shown(
    mistakes: Sequence[Mistake], examples: Sequence[Example], modality: type[Modality]
) -> list[Mistake]:
    """The first of them, as they look."""
    by_id = {example.id: example for example in examples}
    return [
        replace(
            mistake, picture=modality.picture(by_id[mistake.id]), texts=modality.excerpt(by_id[mistake.id])
        )
        for mistake in mistakes[:SHOWN_MISTAKES]
    ]


def _answers(task: Classification, judged: Judged) -> Answers:
    return Answers.read(task, judged.outputs, [task.encode(example) for example in judged.examples])


def _worst(task: Task, judged: Judged) -> tuple[str, float, int] | None:
    """The label that is found least often, its recall and its support; None where no example has one."""
    scores: Sequence[ClassScores] = judged.exhibits.per_class if judged.exhibits else ()
    if isinstance(task, Classification):
        scores = class_scores(_answers(task, judged))
    rows = [(row.recall, row.label, row.support) for row in scores if row.support]
    if not rows:
        return None
    recall, label, support = min(rows)
    return label, recall, support


def _events(folder: RunFolder) -> list[Mapping[str, Any]]:
    if not folder.metrics.exists():
        return []
    return [json.loads(line) for line in folder.metrics.read_text().splitlines()]
