"""Two finished runs on the same examples: which of both is better, and is that more than chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headstart.artifact.bundle import load_bundle
from headstart.artifact.model import Model
from headstart.artifact.result import Run
from headstart.artifact.run import existing_run, read_json
from headstart.contracts import Task
from headstart.errors import RequestError
from headstart.evaluation.answers import Answers
from headstart.evaluation.comparison import Comparison, by_class, churn, differences
from headstart.steps.judge import refuse_unusable
from headstart.steps.run_data import Labelled, examples_of_run, other_examples, request_of_run
from headstart.tasks.classification import Classification


def compare_runs(
    paths: tuple[Path, Path], data: Path | None = None, *, label: str | None = None
) -> Comparison:
    """Both models on examples that neither has seen.

    Args:
        paths: of the run folders.
        data: labelled examples; None takes those that are in the test splits of both.
        label: column of `data` with the labels.

    Raises:
        RequestError: the runs have different tasks or labels, or no test example in common.
    """
    runs = [Run.open(path) for path in paths]
    first, second = (load_bundle(path) for path in paths)
    _refuse_different(first, second)
    if data:
        config = request_of_run(existing_run(paths[0]), first.task)
        examples, groups = other_examples(config, data, label)
    else:
        examples, groups = _both_tested_on(paths, first.task)
    for model in (first, second):
        refuse_unusable(model.task, examples)
    outputs = [model.outputs(examples) for model in (first, second)]
    tasks = (first.task, second.task)
    targets = [[task.encode(example) for example in examples] for task in tasks]
    one, other = (task.scorers(said, true) for task, said, true in zip(tasks, outputs, targets, strict=True))
    metric = runs[0].result["metric"]
    found = Comparison(
        n=len(examples),
        metric=metric,
        lower_is_better=metric in first.task.lower_is_better,
        metrics=differences(one, other, [groups.get(example.id, example.id) for example in examples]),
    )
    if not isinstance(first.task, Classification) or not isinstance(second.task, Classification):
        return found
    own = Answers.read(first.task, outputs[0], targets[0])
    others = Answers.read(second.task, outputs[1], targets[1]).in_order_of(own.labels)
    return replace(found, churn=churn(own, others), per_class=by_class(own, others))


def _refuse_different(first: Model, second: Model) -> None:
    if first.task.name != second.task.name:
        raise RequestError(
            f"One run is of {first.task.name}, the other of {second.task.name}.",
            "Compare runs of one task.",
        )
    strangers = sorted(set(first.labels) ^ set(second.labels))
    if strangers:
        raise RequestError(
            f"Only one of the runs knows the label '{strangers[0]}'.", "Compare runs of the same labels."
        )


def _both_tested_on(paths: tuple[Path, Path], task: Task) -> Labelled:
    """The examples that are in the test splits of both runs, in the order of the first.

    Raises:
        RequestError: there are none.
    """
    folders = [existing_run(path) for path in paths]
    requests = [request_of_run(folder, task) for folder in folders]
    roots = [read_json(folder.data, "root")["root"] for folder in folders]
    remedy = "Name labelled DATA that neither has seen, or fit both on the same data with the same --seed."
    if roots[0] != roots[1]:
        one, other = (config.data.path for config in requests)
        raise RequestError(f"The runs were fitted on different data: {one} and {other}.", remedy)
    (examples, groups), (others, _) = map(examples_of_run, folders, requests)
    known = {example.id for example in others}
    shared = tuple(example for example in examples if example.id in known)
    if not shared:
        raise RequestError("The runs have no test example in common.", remedy)
    return shared, groups
