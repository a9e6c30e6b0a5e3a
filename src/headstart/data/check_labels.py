"""What is wrong with labels: too few, too rare, too alike. Knows no inputs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from headstart.data.dataset import Dataset, Finding, select
from headstart.data.labels import count_labels, labels_of
from headstart.data.layout import some
from headstart.errors import counted
from headstart.planning.rules import uneven

_FEW_OF_A_CLASS = 10
_FEW_IN_ALL = 50
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?")
_AMOUNTS = 20  # more different numbers, with fractions or few examples each, are amounts
_STRAY = 0.05  # of the examples at most have a word among numbers


def class_counts(dataset: Dataset) -> Iterator[Finding]:
    """How many examples each class has, by split where the data has splits; one class is an error."""
    counts = count_labels(dataset.examples)
    by_split = {name: count_labels(select(dataset.examples, ids)) for name, ids in dataset.splits.items()}
    rows = [
        (label, str(count), *(str(own[label]) for own in by_split.values()))
        for label, count in counts.items()
    ]
    several = any(isinstance(example.target, tuple) for example in dataset.examples)
    noun, nouns = ("tag", "tags") if dataset.tagged else ("class", "classes")
    examples = counted(len(dataset.examples), "example")
    if len(counts) == 1 and not several:
        yield Finding(
            "error",
            "one-class",
            f"All {examples} have the label '{rows[0][0]}'; add another class.",
        )
    elif counts:
        yield Finding(
            "note",
            "classes",
            f"{examples} {'with' if dataset.tagged else 'of'} {counted(len(counts), noun, nouns)}.",
            table=((noun, "examples", *by_split), *rows),
        )


def few_examples(dataset: Dataset) -> Iterator[Finding]:
    """Too few examples to train or to measure."""
    total = len(dataset.examples)
    if 0 < total < _FEW_IN_ALL:
        yield Finding(
            "warning",
            "small",
            f"{counted(total, 'example')} in all: scores will be very uncertain; "
            f"{_FEW_IN_ALL} or more are better.",
        )


def rare_classes(dataset: Dataset) -> Iterator[Finding]:
    """Too few examples of a class."""
    counts = count_labels(dataset.examples)
    few = {label: count for label, count in counts.items() if count < _FEW_OF_A_CLASS}
    if few:
        yield Finding(
            "warning",
            "rare-classes",
            f"{counted(len(few), 'class has', 'classes have')} fewer than {_FEW_OF_A_CLASS} examples: "
            f"{some(few)}. "
            "A class needs three to be in train, val and test; a single example is only trained on.",
            tuple(e.id for e in dataset.examples if any(label in few for label in labels_of(e.target))),
            (("class", "examples"), *((label, str(count)) for label, count in few.items())),
        )


def imbalance(dataset: Dataset) -> Iterator[Finding]:
    """One class far commoner than another."""
    counts = count_labels(dataset.examples)
    if len(counts) > 1 and uneven(min(counts.values()), max(counts.values())):
        (common, most), *_, (rare, least) = counts.most_common()
        yield Finding(
            "warning",
            "imbalance",
            f"'{common}' has {most} examples, '{rare}' {least}: accuracy says little; "
            "look at the balanced accuracy.",
        )


def similar_labels(dataset: Dataset) -> Iterator[Finding]:
    """Labels that differ in letter case or spaces only, and are probably one."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in count_labels(dataset.examples):
        alike["".join(label.casefold().split())].append(label)
    same = [labels for labels in alike.values() if len(labels) > 1]
    if same:
        yield Finding(
            "warning",
            "similar-labels",
            f"Labels differ in letter case or spaces only: {some(' / '.join(labels) for labels in same)}; "
            "if they mean the same, write them alike.",
            table=(("labels",), *((" / ".join(labels),) for labels in same)),
        )


def amounts(dataset: Dataset) -> Iterator[Finding]:
    """Labels that are measurements: each would be a class of its own."""
    counts = count_labels(dataset.examples)
    numbers = [label for label in counts if _NUMBER.fullmatch(label)]
    if len(numbers) <= max(_AMOUNTS, len(counts) / 2):
        return
    fractions = [label for label in numbers if not label.lstrip("+-").isdigit()]
    if fractions or sum(counts[label] for label in numbers) < _FEW_OF_A_CLASS * len(numbers):
        yield Finding(
            "warning",
            "amounts",
            f"{len(numbers)} labels are numbers, such as {some((fractions or numbers)[:2])}: each is "
            "learned as a class of its own, as headstart does not predict numbers (regression) yet. "
            "If they are amounts, write ranges instead.",
        )


def stray_words(dataset: Dataset) -> Iterator[Finding]:
    """A few words among labels that are numbers: probably cells that were meant to be empty."""
    counts = count_labels(dataset.examples)
    words = {label: count for label, count in counts.items() if not _NUMBER.fullmatch(label)}
    few = 0 < sum(words.values()) <= _STRAY * counts.total()
    if few and len(counts) - len(words) > len(words):
        found = [e for e in dataset.examples if any(label in words for label in labels_of(e.target))]
        yield Finding(
            "warning",
            "stray-words",
            f"{some(words)} stands among labels that are numbers, first in {found[0].origin or found[0].id}: "
            "where a label is not known, leave the cell empty.",
            tuple(example.id for example in found),
            (("label", "examples"), *((label, str(count)) for label, count in words.items())),
        )


def unknown_labels(dataset: Dataset) -> Iterator[Finding]:
    """Classes in the data's own val or test that its train has not: nothing can be learned of them."""
    if "train" not in dataset.splits:
        return
    known = count_labels(select(dataset.examples, dataset.splits["train"]))
    rows = [
        (label, name, str(count))
        for name, ids in dataset.splits.items()
        if name != "train"
        for label, count in count_labels(select(dataset.examples, ids)).items()
        if label not in known
    ]
    if rows:
        yield Finding(
            "error",
            "unknown-classes",
            f"train has no example of {some(sorted({row[0] for row in rows}))}, but val or test has; "
            "add some to train, or remove the others.",
            table=(("class", "split", "examples"), *rows),
        )
