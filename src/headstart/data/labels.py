"""Labels of examples, whatever the task: counted, and told from other targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from headstart.contracts import Example
from headstart.contracts.labels import in_order


def labels_of(target: Any) -> tuple[str, ...]:
    """The labels in a target: one text, or a tuple of texts; empty for targets of another kind."""
    if isinstance(target, str):
        return (target,)
    if isinstance(target, tuple) and all(isinstance(part, str) for part in target):
        return target
    return ()


def count_labels(examples: Iterable[Example]) -> Counter[str]:
    """How many examples have each label, in the order of the labels."""
    counts = Counter(label for example in examples for label in set(labels_of(example.target)))
    return Counter({label: counts[label] for label in in_order(counts)})
