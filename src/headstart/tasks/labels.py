"""Labels as the user wrote them: found in examples, and told apart. Knows no tensors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from headstart.contracts import Example
from headstart.contracts.labels import in_order
from headstart.errors import DataError, UnknownLabel, first_of


def label_names(example: Example) -> tuple[str, ...]:
    """The labels of an example that has a target, as a tuple, also where it is one."""
    return (example.target,) if isinstance(example.target, str) else tuple(example.target)


def has_several(examples: Sequence[Example]) -> bool:
    """Whether any target is a tuple of labels and not one label."""
    return any(isinstance(example.target, tuple | list) for example in examples)


def find_labels(examples: Sequence[Example], *, multi_label: bool) -> tuple[str, ...]:
    """Every label of these examples, in order.

    Raises:
        DataError: an example without a label, or with several where one is expected; too few labels.
    """
    problems = [problem for example in examples if (problem := _problem(example, multi_label))]
    if problems:
        raise DataError.listed("Labels", problems, "Label these examples, or leave them out.")
    labels = tuple(in_order(name for example in examples for name in label_names(example)))
    if not labels:
        raise DataError(f"None of the {len(examples)} training examples has a label.", "Label some of them.")
    if len(labels) == 1 and not multi_label:
        raise DataError(
            f"All {len(examples)} training examples have the label '{labels[0]}'.",
            "Add examples of another label.",
        )
    return labels


def check_known(example: Example, labels: Collection[str], *, multi_label: bool) -> None:
    """Check that an example has labels, as many as it may, and of these.

    Raises:
        DataError: it has not.
    """
    if problem := _problem(example, multi_label):
        raise DataError(problem, "Label it, or leave it out.")
    for name in label_names(example):
        if name not in labels:
            raise UnknownLabel(_place(example), name, in_order(labels))


def balanced(counts: Mapping[str, int], labels: Sequence[str]) -> tuple[float, ...]:
    """Weights of labels inverse to their counts, mean 1 over all that were counted; 1 where none was."""
    found = np.array([counts.get(label, 0) for label in labels], dtype=np.float64)
    there = found > 0
    weights = np.ones(len(labels))
    weights[there] = found.sum() / (there.sum() * found[there])
    return tuple(weights.tolist())


def _problem(example: Example, multi_label: bool) -> str:
    if example.target is None or example.target == "":
        return f"{_place(example)}: has no label."
    names = label_names(example)
    if len(names) != 1 and not multi_label:
        return f"{_place(example)}: must have one label. Got {len(names)}: {first_of(names)}."
    return ""


def _place(example: Example) -> str:
    return example.origin or example.id
